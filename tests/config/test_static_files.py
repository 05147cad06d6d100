"""Static files of the demo: collected again for changed content, and only then."""

from __future__ import annotations

import os
import shutil

import pytest
from django.contrib.staticfiles.finders import get_finders

from config.embedded import static_files
from config.embedded.child_processes import EmbeddedServersUnavailable
from config.embedded.service_environment import build_demo_site_settings, build_shared_settings


class TestStaticFolder:
    def test_depends_on_every_file_that_is_collected(self):
        collected = {
            os.path.realpath(storage.path(name))
            for finder in get_finders()
            for name, storage in finder.list([])
        }
        hashed = {
            os.path.realpath(path)
            for folder in static_files._list_source_folders()
            for path in folder.rglob("*")
        }

        assert len(collected) > 20
        assert collected <= hashed
        assert os.path.realpath(static_files.DEMO_FILES / "demo" / "demo.css") in hashed

    def test_is_another_one_for_changed_content(self, tmp_path, monkeypatch):
        copy = tmp_path / "static"
        shutil.copytree(static_files.DEMO_FILES, copy)
        monkeypatch.setattr(static_files, "DEMO_FILES", copy)
        first = static_files.get_static_folder(tmp_path)
        again = static_files.get_static_folder(tmp_path)
        with (copy / "demo" / "demo.css").open("a") as sheet:
            sheet.write("/* changed */")

        assert first == again != static_files.get_static_folder(tmp_path)


class TestCollect:
    def test_takes_the_place_of_earlier_files_once_all_are_there(self, tmp_path):
        folder = static_files.get_static_folder(tmp_path)
        earlier = folder.with_name("earlier")
        earlier.mkdir(parents=True)

        with static_files.collect_static_files(folder, build_environment(tmp_path, folder)):
            assert not folder.exists()

        assert [path.name for path in folder.parent.iterdir()] == [folder.name]
        assert (folder / "staticfiles.json").exists()
        assert list((folder / "demo").glob("demo.????????????.css.gz"))
        # Nothing runs for files that are there: this environment could start nothing.
        with static_files.collect_static_files(folder, {}):
            pass

    def test_says_what_went_wrong(self, tmp_path):
        folder = static_files.get_static_folder(tmp_path)
        environment = build_environment(tmp_path, folder) | {"ANTARES_ENV": "nowhere"}

        with (
            pytest.raises(EmbeddedServersUnavailable, match="ANTARES_ENV must be production"),
            static_files.collect_static_files(folder, environment),
        ):
            pass

        assert not folder.exists()


def build_environment(data_dir, folder):
    return {
        **{name: os.environ[name] for name in ("PATH", "DATABASE_URL", "BROKER_URL")},
        **build_shared_settings(data_dir),
        **build_demo_site_settings(data_dir, folder),
    }
