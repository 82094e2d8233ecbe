"""Which names are the same: a table made by hand, each line with the reason that it stands there."""

from __future__ import annotations

from datetime import date

import pytest

from services.referral.families.profile import day_key, name_key, number_key

SAME = """
O'Brien|O’Brien            O'Brien|O‘Brien            O'Brien|Oʼbrien            O'Brien|O`Brien
O'Brien|O´Brien            O'Brien|O′Brien            O'Brien|OBrien             O'Brien|O Brien
O'Brien|o'brien            O'Brien|O＇Brien           N'Golo|Nʹgolo              D'Souza|DSouza
Sinéad|Sinead              Zoë|Zoe                    Chloé|CHLOE                François|Francois
Włodarczyk|Wlodarczyk      Łukasz|Lukasz              Małgorzata|MALGORZATA      Żółć|Zolc
Smith-Jones|Smith Jones    Smith-Jones|SMITH JONES    Smith‐Jones|Smith–Jones    Smith-Jones|SmithJones
Jørgensen|Jorgensen        Søren|Soren                Åse|Ase                    Æbelø|Aebelo
Þór|Thor                   Guðrún|Gudrun              Đorđe|Dorde                Ħamrun|Hamrun
Straße|Strasse             Groß|Gross                 ẞ-Weiß|ss weiss            Œuvre|Oeuvre
Işık|Isik                  IŞIK|ışık                  İbrahim|Ibrahim            Doğan|Dogan
Nguyễn|Nguyen              Đặng|Dang                  Phạm|Pham                  Ươn|Uon
Ionuț|Ionut                Ionuţ|Ionuț                Ștefan|Stefan              Șerban|Serban
José|Jose\u0301            Müller|Mu\u0308ller        Ångström|A\u030angstro\u0308m   Łódź|Lodz
St. Ann|St Ann             Mac Donald|MacDonald       van den Berg|Vandenberg    de la Cruz|De La Cruz
Mary-Ann|Mary Ann          Anna Maria|Annamaria       Al-Hassan|Al Hassan        el-Masri|El Masri
Ａnna|Anna                 Zofia\u200b|Zofia          So\u00adfia|Sofia          \ufeffAda|Ada
Ada  Okoro|Ada Okoro       Ada\u00a0Okoro|Ada Okoro   Ādams|Adams                Ģirts|Girts
Ņina|Nina                  Ķēniņš|Kenins              Žižek|Zizek                Dvořák|Dvorak
Čapek|Capek                Škoda|Skoda                Ťok|Tok                    Ľubica|Lubica
Ñandú|Nandu                Núñez|Nunez                Gonçalves|Goncalves        João|Joao
Κώστας|Κωστας              Йосиф|Иосиф                Алёна|Алена                Ђорђе|ђорђе
Əliyev|Eliyev              Oʻzbek|Ozbek               Gʻafur|Gafur               Ka'imi|Kaʻimi
Siân|Sian                  Llŷr|Llyr                  Caoimhe|CAOIMHE            Ó Briain|O Briain
O'Connor|OConnor           O’Connor|O' Connor         D’Angelo|Dangelo           N’Diaye|NDiaye
L'Estrange|Lestrange       Renée|Renee                Noël|Noel                  Éloïse|Eloise
Anaïs|Anais                Maëlle|Maelle              Inês|Ines                  Conceição|Conceicao
Peña|Pena                  Ibáñez|Ibanez              Göran|Goran                Håkan|Hakan
Šárka|Sarka                Jiří|Jiri                  Růžena|Ruzena              Świątek|Swiatek
Błażej|Blazej              Ćwik|Cwik                  Źrebak|Zrebak              Öztürk|Ozturk
Çelik|Celik                Gülşen|Gulsen              Yıldız|Yildiz              Trần|Tran
Hồng|Hong                  Võ|Vo                      Kovács|Kovacs              Győző|Gyozo
Bălan|Balan                Mădălina|Madalina          Ştefania|Ștefania          Ffîon|Ffion
Seán|Sean                  Máire|Maire                Ní Dhomhnaill|Ni Dhomhnaill   FitzGerald|Fitz-Gerald
Saint-Clair|Saint Clair    van der Meer|Van-der-Meer   ibn Saud|Ibn-Saud          Nur-ul-Ain|Nur Ul Ain
Min-jun|Min Jun            Σοφία|ΣΟΦΙΑ                Γιώργος|ΓΙΩΡΓΟΣ            Семён|СЕМЕН
李 明|李明                     ﬁona|Fiona                 DeShawn|Deshawn            \u200eOmar|Omar
"""
OTHER = """
Robin|Rubin                Okafor|Okoro               Smith|Smyth                Nowak|Nowakowska
मीना|मनी                   मीना|मन                    राम|रमा                    किरण|करण
สมชาย|สมชย                 มาลี|มลี                   নীলা|নলা                   ਕੌਰ|ਕਰ
كريم|كرم                   שרה|שר                     தமிழ்|தமழ                  ಕಾವ್ಯ|ಕವಯ
Ana|Anna                   Max|May                    Ivy|Ivo                    Una|Uma
Li|Lee                     Khan|Kahn                  Patel|Patil                Ali|Aly
Smith-Jones|Smith          Smith-Jones|Jones          Ann Marie|Marie            O'Brien|Brien
Smith|Smithson             Jon|John                   Sarah|Sara                 Catherine|Katherine
Stephen|Steven             Mohammed|Muhammad          Mohamed|Mohammed           Aisha|Ayesha
Hussain|Hussein            Ahmed|Ahmad                Yusuf|Yousef               Fatima|Fatema
Singh|Sing                 Begum|Begam                Chowdhury|Choudhury        Leah|Lia
Philip|Phillip             Brown|Browne               Clark|Clarke               Thompson|Thomson
MacDonald|McDonald         O'Neill|O'Neil             Kowalski|Kowalska          Novák|Nováková
Jónsson|Jónsdóttir         Müller|Mueller             Jørgensen|Joergensen       Åse|Aase
Mia|Maia                   Eva|Ava                    Oliver|Olivia              Daniel|Danielle
Louis|Louise               Frances|Francis            Jai|Jay                    Noah|Noa
李明|李萌                      Анна|Инна                  Мария|Марина               Ελένη|Ελένα
김민준|김민지                    さくら|さくや                    ハナ|バナ                      かほ|がほ
"""
STAND_INS = """
Baby | Baby of Sana | BABY OF SANA OKAFOR | Baby Okafor | baby boy | Baby Girl Smith | Baby 1 | Baby one | Babe
Twin 1 | Twin I | twin two | Twin A | Twin 1 of Sana | Triplet 3 | Unknown | UNKNOWN | unknown name | Not known
not yet named | Not given | NA | N/K | n.k. | NK | N/A | TBC | T.B.C. | tba | tbd | To be confirmed | - | -- | . | ? | ??
x | XX | xxx | Unborn | Unborn baby | unborn child | Newborn | New born baby | Infant | Infant of Ada | Bump | Boy
Girl | Male infant | Female | Son of Ada | Daughter of Ada | B/O Sana | No name | Unnamed | none | Nil | anonymous
Male baby | Baby (unnamed) | BABY, OF SANA | "Baby" | Foetus | Baby not named | Baby TBC
"""
NAMES = (
    "Babette | Babatunde | Sonia | Boyd | Girlie | Malek | Femi | Unity | Bo | Tia | Nika | Infanta | Twinkle | Ng | Xi"
)


def pairs(text: str) -> list[tuple[str, str]]:
    cells = [cell.strip() for line in text.strip().splitlines() for cell in line.split("   ") if cell.strip()]
    return [
        tuple(cell.encode().decode("unicode_escape").split("|")) if "\\" in cell else tuple(cell.split("|"))
        for cell in cells
    ]  # type: ignore[misc]


def words(text: str) -> list[str]:
    return [word.strip() for line in text.strip().splitlines() for word in line.split(" | ")]


@pytest.mark.parametrize(("one", "other"), pairs(SAME))
def test_the_same_name_written_in_two_ways(one: str, other: str) -> None:
    assert name_key(one) == name_key(other) is not None


@pytest.mark.parametrize(("one", "other"), pairs(OTHER))
def test_another_name(one: str, other: str) -> None:
    assert None is not name_key(one) != name_key(other) is not None


@pytest.mark.parametrize("name", [*words(STAND_INS), "", " ", None])
def test_what_stands_where_nobody_knows_the_name_is_none(name: str | None) -> None:
    assert name_key(name) is None


@pytest.mark.parametrize("name", words(NAMES))
def test_a_name_that_only_looks_like_it_is_one(name: str) -> None:
    assert name_key(name) is not None


@pytest.mark.parametrize("day", [date(1900, 1, 1), date(1901, 1, 1)])
def test_a_filled_in_day_says_nothing(day: date) -> None:
    assert day_key(day) is None
    assert day_key(date(2026, 1, 1)) == date(2026, 1, 1)


@pytest.mark.parametrize("number", ["1234567890", "0000000000", "9999999999", "9876543210", "1234567881", "", None])
def test_a_number_that_is_nobodys(number: str | None) -> None:
    assert number_key(number, are_test_numbers_real=True) is None


def test_a_test_number_is_somebodys_in_development_alone() -> None:
    assert number_key("9990000018", are_test_numbers_real=True) == "9990000018"
    assert number_key("9990000018", are_test_numbers_real=False) is None
