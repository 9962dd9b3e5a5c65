import pytest
from django.contrib.auth import get_user_model

from lettings.models import Address, Letting
from oc_lettings_site import fault
from profiles.models import Profile


@pytest.fixture(autouse=True)
def fault_file(tmp_path, monkeypatch):
    """A release that fails on purpose must still pass its tests: it is a fault of its running."""
    file = tmp_path / "release_fault.txt"
    monkeypatch.setattr(fault, "FAULT_FILE", file)
    return file


@pytest.fixture
def letting(db):
    address = Address.objects.create(
        number=12, street="Towpath Lane", city="Clearwater", state="OR",
        zip_code=7001, country_iso_code="USA",
    )
    return Letting.objects.create(title="Heron's Reach", address=address)


@pytest.fixture
def profile(db):
    user = get_user_model().objects.create_user("otter", first_name="Olive", last_name="Terrell")
    return Profile.objects.create(user=user, favorite_city="Ghent")
