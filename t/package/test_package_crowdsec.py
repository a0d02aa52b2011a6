"""CrowdSec itself parses Postern's lines as the files of its test expect."""

import json
import re
import shutil

import debian_root
import pytest
import yaml
from building import ROOT, run

from harness.packages import fetch
from harness.ports import free_port

FILES = ROOT / "etc/crowdsec"
ASSERTION = re.compile(r'results\["s01-parse"\]\["postern/postern-logs"\]\[(\d+)\]\.(Success|Evt\.Meta\["(\w+)"\]) == (.+)')

CONFIG = """
common: {{daemonize: false, log_media: stdout, log_level: info, working_dir: .}}
config_paths: {{config_dir: {0}/conf, data_dir: {0}/data, simulation_path: {0}/conf/simulation.yaml, hub_dir: {0}/hub,
  index_path: {0}/hub/.index.json}}
crowdsec_service: {{acquisition_path: "", parser_routines: 1}}
cscli: {{output: human}}
db_config: {{type: sqlite, db_path: {0}/data/crowdsec.db, log_level: info}}
api:
  client: {{insecure_skip_verify: false, credentials_path: {0}/conf/credentials.yaml}}
  server: {{listen_uri: "127.0.0.1:{1}", profiles_path: {0}/conf/profiles.yaml, log_level: info}}
prometheus: {{enabled: false}}
"""


@pytest.fixture(name="results", scope="module")
def fixture_results(tmp_path_factory):
    """What CrowdSec's own programs make of the lines: the dumps of its parsers and of its scenarios."""
    top = tmp_path_factory.mktemp("crowdsec")
    root = fetch(debian_root.CACHE / "crowdsec", ["crowdsec"])
    hub, conf = root / "usr/share/crowdsec/hub", top / "conf"
    shutil.copytree(hub, top / "hub")
    shutil.copytree(root / "usr/share/crowdsec/data", top / "data")
    shutil.copytree(root / "etc/crowdsec/patterns", conf / "patterns")
    for name in ("profiles.yaml", "simulation.yaml"):
        shutil.copy(root / "etc/crowdsec" / name, conf)
    for path in (hub / "parsers/s00-raw/crowdsecurity/syslog-logs.yaml", FILES / "parsers/s01-parse/postern-logs.yaml",
                 hub / "parsers/s02-enrich/crowdsecurity/dateparse-enrich.yaml"):
        stage = next(part for part in path.parts if part.startswith("s0"))
        (conf / "parsers" / stage).mkdir(parents=True)
        shutil.copy(path, conf / "parsers" / stage)
    shutil.copytree(FILES / "scenarios", conf / "scenarios")
    (conf / "postoverflows").mkdir()
    (conf / "credentials.yaml").touch()
    (conf / "config.yaml").write_text(CONFIG.format(top, free_port()))
    (top / "out").mkdir()
    run(root / "usr/bin/cscli", "-c", conf / "config.yaml", "machines", "add", "test", "--auto", "--force", "-f",
        conf / "credentials.yaml")
    run(root / "usr/bin/crowdsec", "-c", conf / "config.yaml", "-type", "syslog", "-dsn",
        f"file://{FILES}/tests/postern-logs/postern-logs.log", "-dump-data", top / "out", timeout=300)
    return [yaml.safe_load((top / "out" / name).read_text()) for name in ("parser-dump.yaml", "bucket-dump.yaml")]


def test_the_parser_finds_what_its_test_expects(results):
    lines = results[0]["s01-parse"]["postern/postern-logs"]
    checked = 0
    for text in (FILES / "tests/postern-logs/parser.assert").read_text().splitlines():
        if (found := ASSERTION.fullmatch(text)) is None:
            continue
        number, what, key, wanted = found.groups()
        line = lines[int(number)]
        got = line["success"] if what == "Success" else line["evt"]["Meta"].get(key)
        assert got == json.loads(wanted), (text, line)
        checked += 1
    assert checked > 30 and len(lines) == 13


def test_the_scenario_finds_the_guesser_alone(results):
    (bucket,) = results[1]
    assert list(bucket["Overflow"]["Sources"]) == ["192.0.2.7"]
    assert bucket["Overflow"]["Alert"]["scenario"] == "postern/postern-bf"
    assert bucket["Overflow"]["Alert"]["eventscount"] == 6
