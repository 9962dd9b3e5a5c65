"""`manage.py sample_data`: a few invented homes and people, so that the pages show something."""
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand
from django.db import transaction

from lettings.models import Address, Letting
from profiles.models import Profile

HOMES = [
    ("Heron's Reach", (12, "Towpath Lane", "Clearwater", "OR", 97001, "USA")),
    ("The Lock Keeper's House", (3, "Quai des Tilleuls", "Agen", "NA", 47000, "FRA")),
    ("Two Poplars", (88, "Mill Street", "Stillbrook", "VT", 5301, "USA")),
    ("Saltmarsh Cabin", (5, "Dune Row", "Wexport", "ME", 4101, "USA")),
    ("Under the Weir", (41, "Rue du Canal", "Strasbourg", "GE", 67000, "FRA")),
    ("The Ferry Loft", (7, "Kaai Oost", "Ghent", "VO", 9000, "BEL")),
]
PEOPLE = [
    ("otter", "Olive", "Terrell", "Clearwater"),
    ("kingfisher", "Kim", "Fischer", "Ghent"),
    ("dragonfly", "Dina", "Flores", "Agen"),
    ("willow", "Will", "Owens", ""),
]
ADDRESS_FIELDS = ("number", "street", "city", "state", "zip_code", "country_iso_code")


class Command(BaseCommand):
    help = "Adds sample lettings and profiles; what exists already is left as it is."

    @transaction.atomic
    def handle(self, *args, **options):
        homes = sum(self.add_home(title, address) for title, address in HOMES)
        people = sum(self.add_person(*person) for person in PEOPLE)
        self.stdout.write(f"added {homes} lettings and {people} profiles")

    def add_home(self, title, address):
        """True if it was added; a letting of that title stays untouched."""
        if Letting.objects.filter(title=title).exists():
            return False
        place = Address.objects.create(**dict(zip(ADDRESS_FIELDS, address)))
        Letting.objects.create(title=title, address=place)
        return True

    def add_person(self, username, first_name, last_name, favorite_city):
        """True if the profile was added. The account cannot log in: it has no password."""
        names = {"first_name": first_name, "last_name": last_name}
        user, created = get_user_model().objects.get_or_create(username=username, defaults=names)
        if created:
            user.set_unusable_password()
            user.save(update_fields=["password"])
        profile = {"favorite_city": favorite_city}
        return Profile.objects.get_or_create(user=user, defaults=profile)[1]
