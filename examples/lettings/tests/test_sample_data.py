from django.core.management import call_command

from lettings.models import Letting
from profiles.models import Profile


def test_sample_data_fills_the_pages(client, db, capsys):
    call_command("sample_data")
    assert "added 6 lettings and 4 profiles" in capsys.readouterr().out
    assert b"Under the Weir" in client.get("/lettings/").content
    assert client.get("/profiles/willow/").status_code == 200


def test_sample_data_twice_changes_nothing(db, capsys):
    call_command("sample_data")
    Letting.objects.filter(title="Two Poplars").update(title="Three Poplars")
    call_command("sample_data")
    assert "added 1 lettings and 0 profiles" in capsys.readouterr().out
    assert Letting.objects.count() == 7
    assert Profile.objects.count() == 4
    assert not Profile.objects.get(user__username="otter").user.has_usable_password()
