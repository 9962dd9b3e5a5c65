"""The rows of the former single app move to the two new ones, and back, and none is lost."""
import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from oc_lettings_site.moving import RowsLost

BEFORE = [("oc_lettings_site", "0001_initial"), ("lettings", None), ("profiles", None)]
BOTH = [
    ("oc_lettings_site", "0001_initial"),
    ("lettings", "0001_initial"),
    ("profiles", "0001_initial"),
]
MOVED = [
    ("oc_lettings_site", "0001_initial"),
    ("lettings", "0002_move_rows"),
    ("profiles", "0002_move_rows"),
]
USERS = ("auth", "0012_alter_user_first_name_max_length")
AFTER = [("oc_lettings_site", "0002_remove_moved_models")]

HOUSES = [(3, "Two Poplars", 88), (7, "Under the Weir", 41), (11, "L'Écluse, \"n° 5\"", 5)]


def migrate(targets):
    """Migrates to `targets` and returns the models as they were at that point."""
    executor = MigrationExecutor(connection)
    executor.migrate(targets)
    state = [target for target in targets if target[1]] + [USERS]
    return MigrationExecutor(connection).loader.project_state(state).apps


@pytest.fixture
def history(transactional_db):
    """The database as the former single app left it, with rows; put right again afterwards."""
    old = migrate(BEFORE)
    fill(old)
    yield old
    # A test may end with rows in the old tables on purpose; they must not stop the way forward.
    for app, model in connection_tables():
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {app}_{model}")
    call_command("migrate", verbosity=0)


def connection_tables():
    """The tables of ours that exist now, those that refer to others first."""
    names = connection.introspection.table_names()
    for app in ("oc_lettings_site", "lettings", "profiles"):
        for model in ("letting", "address", "profile"):
            if f"{app}_{model}" in names:
                yield app, model


def fill(apps):
    address = apps.get_model("oc_lettings_site", "Address")
    letting = apps.get_model("oc_lettings_site", "Letting")
    for number, (pk, title, street_number) in enumerate(HOUSES):
        place = address.objects.create(
            pk=pk + 100, number=street_number, street=f"Street {number}", city="Agen",
            state="NA", zip_code=47000 + number, country_iso_code="FRA",
        )
        letting.objects.create(pk=pk, title=title, address=place)
    for pk, name in ((2, "otter"), (9, "willow")):
        user = apps.get_model("auth", "User").objects.create(username=name)
        apps.get_model("oc_lettings_site", "Profile").objects.create(
            pk=pk, user_id=user.pk, favorite_city=name.title()
        )


def snapshot(apps, lettings_app, profiles_app):
    """All rows, by value, in the shape they have in either app."""
    def rows(app, model):
        model = apps.get_model(app, model)
        columns = sorted(field.attname for field in model._meta.concrete_fields)
        return list(model.objects.order_by("pk").values(*columns))

    return {
        "Address": rows(lettings_app, "Address"),
        "Letting": rows(lettings_app, "Letting"),
        "Profile": rows(profiles_app, "Profile"),
    }


def test_forwards_every_row_arrives_unchanged(history):
    before = snapshot(history, "oc_lettings_site", "oc_lettings_site")
    after = snapshot(migrate(AFTER), "lettings", "profiles")
    assert after == before
    assert [len(rows) for rows in after.values()] == [3, 3, 2]


def test_the_former_tables_are_gone_afterwards(history):
    migrate(AFTER)
    names = connection.introspection.table_names()
    assert not [name for name in names if name.startswith("oc_lettings_site_")]


def test_backwards_every_row_returns_unchanged(history):
    before = snapshot(history, "oc_lettings_site", "oc_lettings_site")
    migrate(AFTER)
    assert snapshot(migrate(BEFORE), "oc_lettings_site", "oc_lettings_site") == before


def test_there_and_back_and_there_again(history):
    before = snapshot(history, "oc_lettings_site", "oc_lettings_site")
    migrate(AFTER)
    migrate(BOTH)
    assert snapshot(migrate(AFTER), "lettings", "profiles") == before


def test_new_rows_get_new_ids_after_the_move(history):
    apps = migrate(AFTER)
    address = apps.get_model("lettings", "Address").objects.create(
        number=1, street="New", city="Agen", state="NA", zip_code=1, country_iso_code="FRA"
    )
    assert address.pk > 111
    letting = apps.get_model("lettings", "Letting").objects.create(title="New", address=address)
    assert letting.pk > 11


def test_new_rows_get_new_ids_after_the_way_back(history):
    migrate(AFTER)
    user = migrate(BEFORE).get_model("auth", "User").objects.create(username="new")
    apps = MigrationExecutor(connection).loader.project_state(BEFORE[:1]).apps
    assert apps.get_model("oc_lettings_site", "Profile").objects.create(user_id=user.pk).pk > 9


def test_a_row_written_after_the_move_stops_the_removal(history):
    apps = migrate(MOVED)
    user = apps.get_model("auth", "User").objects.create(username="late")
    apps.get_model("oc_lettings_site", "Profile").objects.create(user_id=user.pk)
    with pytest.raises(RowsLost, match="1 rows of oc_lettings_site.Profile"):
        migrate(AFTER)
    assert "oc_lettings_site_profile" in connection.introspection.table_names()


def test_a_row_in_the_way_stops_the_move_and_nothing_is_overwritten(history):
    apps = migrate(BOTH)
    apps.get_model("lettings", "Address").objects.create(
        pk=103, number=1, street="Mine", city="Agen", state="NA", zip_code=1,
        country_iso_code="FRA",
    )
    with pytest.raises(RowsLost, match=r"already has the ids \[103\]"):
        migrate(MOVED)
    assert apps.get_model("lettings", "Address").objects.get(pk=103).street == "Mine"
    assert apps.get_model("oc_lettings_site", "Address").objects.count() == 3


def test_models_and_migrations_agree(db):
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
