"""What the system is made of: packages, archives, images, their licences, and the bill of materials (`make sbom`)."""
