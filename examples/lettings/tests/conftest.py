import pytest
from django.contrib.auth import get_user_model

from lettings.models import Address, Letting
from profiles.models import Profile


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
