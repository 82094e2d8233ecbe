"""Invented people's names, by where a family may come from; each with its ethnic category and language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Community:
    """`share` is a weight; `ethnicities` are ETHNIC CATEGORY CODES 2001; `language` is BCP 47, English when None."""

    share: int
    ethnicities: tuple[str, ...]
    language: str | None
    women: tuple[str, ...]
    men: tuple[str, ...]
    babies: tuple[str, ...]
    families: tuple[str, ...]


def _named(share: int, ethnicities: str, language: str | None, *lists: str) -> Community:
    """Lists of women, men, babies and families, with a space between names and `_` for a space within one."""
    women, men, babies, families = (tuple(name.replace("_", " ") for name in names.split()) for names in lists)
    return Community(share, tuple(ethnicities), language, women, men, babies, families)


COMMUNITIES: Final = (
    _named(
        34,
        "A",
        None,
        "Abigail Bethany Chloe Donna Ellie Faye Gemma Hayley Imogen Jade Kirsty Lauren Megan Natalie Paige Rhiannon",
        "Aaron Ben Callum Dean Elliot Finn Gareth Harry Jack Kieran Liam Mark Owen Ryan Scott Tom",
        "Alfie Ava Bodie Daisy Esme Freddie Harper Ivy Jude Luna Mabel Noah Orla Poppy Rowan Teddy Willow",
        "Ashworth Bestwick Chadbourne Darnell Eastwood Fairholme Godber Hallam Ilkeston-Reed Kirkby Larwood Meadows "
        "O'Dowd Peverel Radcliffe Smeeton Tansley Underhill Wheatcroft",
    ),
    _named(
        12,
        "J",
        "ur",
        "Aisha Bushra Fozia Hina Iqra Mehwish Nadia Rabia Saima Tahira Zainab",
        "Adil Bilal Faisal Hamza Imtiaz Kashif Nadeem Rizwan Tariq Usman",
        "Ayaan Dua Haniya Ibrahim Maryam Musa Yusuf Zoya",
        "Akhtar Chaudhry Farooqi Ghani Javed Mahmood Nawaz Qureshi Siddiqui Zaman",
    ),
    _named(
        7,
        "H",
        "pa",
        "Amandeep Harpreet Jasleen Kiran Manpreet Navneet Simran",
        "Arjan Gurdeep Harjit Inderjit Jaspal Rajvir",
        "Anaya Arjun Jeevan Kavya Reya Veer",
        "Bassi Dhaliwal Gill Johal Rai Sandhu Sehmi",
    ),
    _named(
        7,
        "MMMP",
        None,
        "Alicia Chantelle Denise Kadisha Leonora Monique Shanice Tanisha",
        "Andre Curtis Dwayne Jermaine Leon Marlon Tyrell",
        "Amari Isaiah Kiah Malachi Nevaeh Tiana Zion",
        "Bartley Campbell-Grant Duhaney Francis Gayle Henriques Lindo Morrison Wint",
    ),
    _named(
        8,
        "N",
        None,
        "Abimbola Chiamaka Efua Folasade Ngozi Nomsa Tendai Wanjiru",
        "Chidi Emeka Farai Kwabena Olumide Sipho Tunde",
        "Ayo Chisom Kofi Nia Temi Thabo Zuri",
        "Adeyinka-Bello Boateng Chikwanha Eze Mensah Moyo Ndlovu Okonjo",
    ),
    _named(
        7,
        "C",
        "pl",
        "Agnieszka Dorota Ewelina Kasia Małgorzata Zuzanna",
        "Andrzej Grzegorz Łukasz Paweł Tomasz",
        "Antoni Hania Jaś Lena Staś Zosia",
        "Błaszczyk Dąbrowska Kowalczyk Łukasik Śliwińska Wójcik Żak",
    ),
    _named(
        4,
        "C",
        "ro",
        "Alina Bianca Ioana Mădălina Ștefania",
        "Bogdan Cătălin Florin Răzvan",
        "Andrei Daria Luca Sofia",
        "Bălan Ciobanu Ionescu Munteanu Țurcanu",
    ),
    _named(
        4,
        "S",
        "ar",
        "Amal Dunya Hala Nour Rasha Salma",
        "Anas Karim Mazen Omar Samir",
        "Jana Layla Rayan Yara Ziad",
        "Abdel-Rahman Al-Sabbagh Darwish Haddad Khoury",
    ),
    _named(
        3,
        "S",
        "ku",
        "Avin Berivan Gulistan Rojin",
        "Azad Dilshad Rebwar Serhat",
        "Aram Hêlîn Lana Zana",
        "Barzani-Reş Hesen Karwan Şêxo",
    ),
    _named(
        3,
        "N",
        "ti",
        "Abrehet Feven Selam Winta",
        "Dawit Filmon Kibrom Yonas",
        "Amanuel Heran Natnael Soliana",
        "Araya Berhe Ghebremariam Tesfay Woldegiorgis",
    ),
    _named(
        3,
        "R",
        "zh",
        "Jing Mei-Ling Xiaoyan Yuting",
        "Chenwei Haoran Jun Wei",
        "An Kai Lily Yichen",
        "Chow Huang Lau Zheng",
    ),
    _named(
        3,
        "K",
        "bn",
        "Farzana Nasima Rumana Shirin",
        "Jahangir Kamrul Rafiq Shahin",
        "Anika Ishaan Rafi Tasnim",
        "Bhuiyan Choudhury Miah Talukdar",
    ),
    _named(
        3,
        "C",
        "uk",
        "Kateryna Oksana Solomiia Yuliia",
        "Andriy Maksym Oleh Taras",
        "Artem Myroslava Polina Zlata",
        "Bondarenko Hrytsenko Melnyk Shevchuk",
    ),
    _named(
        3,
        "DEFG",
        None,
        "Ashleigh Cerys Jasmine Rhianna Saoirse Zara",
        "Brandon Kane Nathaniel Reece",
        "Elijah Kaya Marley Skye",
        "Brightwell-Ené D'Souza McAllister O'Connor-Hylton Saint-Clair",
    ),
    _named(
        2,
        "B",
        None,
        "Aoife Caoimhe Gráinne Niamh Róisín Siobhán",
        "Cillian Eoin Pádraig Ruairí",
        "Cúán Éabha Fiadh Oisín",
        "Mac_an_Bhaird Ní_Dhuibhir Ó_Briain O'Sullivan",
    ),
    _named(
        2,
        "L",
        "vi",
        "Hoa Linh Ngọc Thảo",
        "Dũng Hải Minh Quân",
        "An Bảo Mai Vy",
        "Đặng Nguyễn Phạm Trần",
    ),
)
"""Every name is made up of common ones; people of this name who exist are not meant."""

LONG: Final = (
    "Philippa-Anastasia Charlotte Eugénie Wilhelmina",
    "de la Fontaine-Montgomery von Trentfeld-Hohenbrück and O'Shaughnessy of the Lower Meadows",
)
"""A given name and a family name near the limit of 100 characters: pages have to wrap them."""
