import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse


def text(response):
    return response.content.decode()


def test_home_counts_what_there_is(client, letting, profile):
    response = client.get("/")
    assert response.status_code == 200
    assert "Welcome to Holiday Homes" in text(response)
    assert "<strong>1</strong> letting<" in text(response)
    assert "<strong>1</strong> profile<" in text(response)


def test_every_page_says_which_release_gave_it(client, db):
    response = client.get("/")
    assert "release dev" in text(response)
    assert response["X-App-Release"] == "dev"


def test_lettings_are_listed_with_their_city(client, letting):
    page = text(client.get(reverse("lettings:index")))
    assert "Heron&#x27;s Reach" in page
    assert "Clearwater" in page
    assert letting.get_absolute_url() in page


def test_an_empty_list_says_so(client, db):
    assert "Nothing to let" in text(client.get("/lettings/"))
    assert "Nobody has a profile" in text(client.get("/profiles/"))


def test_the_list_needs_one_query_however_long_it_is(client, letting, django_assert_num_queries):
    with django_assert_num_queries(1):
        client.get("/lettings/")


def test_a_letting_shows_its_whole_address(client, letting):
    page = text(client.get(letting.get_absolute_url()))
    for part in ("12 Towpath Lane", "Clearwater, OR 07001", "USA"):
        assert part in page


def test_profiles_are_listed(client, profile):
    page = text(client.get(reverse("profiles:index")))
    assert "otter" in page
    assert profile.get_absolute_url() in page


def test_a_profile_shows_name_and_city(client, profile):
    page = text(client.get("/profiles/otter/"))
    assert "Olive Terrell" in page
    assert "Ghent" in page


@pytest.mark.parametrize("path", ["/lettings/999/", "/profiles/nobody/", "/nowhere/"])
def test_what_does_not_exist_gets_our_own_404(client, db, path):
    response = client.get(path)
    assert response.status_code == 404
    assert "There is no such page" in text(response)


def test_a_failure_gets_our_own_500(db, monkeypatch):
    def broken(*args):
        raise ValueError("broken on purpose")

    monkeypatch.setattr("lettings.models.Letting.objects.count", broken)
    response = Client(raise_request_exception=False).get("/")
    assert response.status_code == 500
    assert "Something broke on our side" in text(response)


def test_admin_names_its_models_in_correct_plurals(client, db):
    admin = get_user_model().objects.create_superuser("admin", password="pw")
    client.force_login(admin)
    page = text(client.get("/admin/"))
    for plural in ("Addresses", "Lettings", "Profiles"):
        assert f">{plural}</a>" in page
    assert "Addresss" not in page


@pytest.mark.parametrize("model", ["lettings/address", "lettings/letting", "profiles/profile"])
def test_admin_lists_search_and_open(client, letting, profile, model):
    client.force_login(get_user_model().objects.create_superuser("admin", password="pw"))
    assert client.get(f"/admin/{model}/?q=e").status_code == 200
    assert client.get(f"/admin/{model}/add/").status_code == 200


def test_names_of_objects(letting, profile):
    assert str(letting) == "Heron's Reach"
    assert str(letting.address) == "12 Towpath Lane"
    assert str(profile) == "otter"
