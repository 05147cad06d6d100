import pytest

from tests.frozen.test_names import FOLDER, LISTS


@pytest.mark.django_db
@pytest.mark.parametrize("name", LISTS)
def test_write(name):
    value = LISTS[name]()
    (FOLDER / f"{name}.txt").write_text(
        value if isinstance(value, str) else "".join(f"{line}\n" for line in value)
    )
