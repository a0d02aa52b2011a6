"""
The README's path to a working server: its own commands, in its order, on a copy of this system whose changes vanish,
with a Postfix and a PostgreSQL as Debian installs them.
"""

import json
import re
import subprocess

import pytest

from harness.box import needs_root
from harness.packages import OWN_MOUNTS
from harness.postern import BUILD, POSTERN, ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
PASSWORD = "pa55 word"

# In a mount, network and process namespace of its own: an overlay over /, and in it the steps.
INSIDE = f"""
set -eu
mount -t tmpfs -o mode=755 tmpfs "$1"
cd "$1"
mkdir upper work root
mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root
mount -t proc proc root/proc
mount --rbind /dev root/dev
mount -t tmpfs -o mode=755 tmpfs root/run
mount -t tmpfs -o mode=1777 tmpfs root/tmp
mkdir -p root{ROOT}
mount --bind {ROOT} root{ROOT}
mkdir root/steps
cp "$1".steps/* root/steps
ip link set lo up
cd /
exec chroot "$1"/root bash -e /steps/main
"""

MAIN = f"""
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root
getent passwd postern > /dev/null && userdel postern
rm -rf /etc/postern /var/lib/postern /var/spool/postfix/postern
make -C {ROOT} -s -o all BUILD={BUILD.relative_to(ROOT)} install > /dev/null

# Postfix and PostgreSQL, as the packages configure them.
cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf
sed -i 's/^smtp  *inet  *n  *-  *[-yn]/smtp inet n - y/' /etc/postfix/master.cf
printf '%s\\n' 'compatibility_level = 3.6' 'myhostname = mx.example.com' 'inet_interfaces = 127.0.0.1' \\
    'default_transport = discard:' 'local_transport = discard:' 'local_recipient_maps =' 'alias_maps =' \\
    'mydestination = example.com' 'maillog_file = /var/log/postfix.log' > /etc/postfix/main.cf
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=mx.example.com -keyout /root/key -out /root/cert 2> /dev/null
cat /root/key /root/cert > /etc/postfix/pem
postconf -e 'smtpd_tls_chain_files = /etc/postfix/pem'
postfix start
mkdir -p /run/postgresql && chown postgres: /run/postgresql
pg_lsclusters -h | grep -q . || pg_createcluster $(ls /usr/lib/postgresql | sort -V | tail -1) main
read -r version cluster _ < <(pg_lsclusters -h)
pg_ctlcluster $version $cluster start

cd /
for step in /steps/[0-9]*; do
    echo "== $step"
    bash -e $step < /steps/password
done
echo "== end"
"""

SMTP = f"""
import smtplib, ssl, sys
with smtplib.SMTP("127.0.0.1", int(sys.argv[1]), timeout=60) as smtp:
    if len(sys.argv) > 4:
        smtp.starttls(context=ssl._create_unverified_context())
        smtp.login(sys.argv[4], {PASSWORD!r})
    smtp.sendmail(sys.argv[2], sys.argv[3], "From: " + sys.argv[2] + "\\r\\n\\r\\nHello\\r\\n")
"""


def blocks(heading):
    """The (language, text) of each code block of a section, in its order."""
    section = re.search(rf"^(#+) {re.escape(heading)}$(.*?)(?=^#+ (?!.*```)|\Z)", README, re.M | re.S).group(2)
    return [(kind, re.sub(f"^{indent}", "", text, flags=re.M))
            for indent, kind, text in re.findall(r"^( *)```(\w*)\n(.*?)^ *```$", section, re.M | re.S)]


def block(heading, number):
    kind, text = blocks(heading)[number]
    return text if kind == "sh" else f"cat >> /etc/postern/postern.conf <<'END'\n{text}END\n"


def steps():
    """The steps, by their names, in their order: the README's, and between them questions whose answers are printed."""
    send = "python3 /steps/smtp.py"
    explain = "posternctl explain --json --running --mail bob@example.com --rcpt x@example.net --user bob --password"
    submission = blocks("Postfix")[2][1]
    assert submission.startswith("submission inet") and "smtpd_sasl_auth_enable" in submission
    return {
        "postfix": block("With Postfix", 0),
        "lists": f"{send} 25 a@example.org bob@example.com; posternctl status --json",
        "json": block("In a JSON file", 0),
        "json_users": f"{explain}; posternctl status --json",
        "tables": block("In PostgreSQL", 0),
        "insert": block("In PostgreSQL", 1),
        "conf": block("In PostgreSQL", 2) + block("In PostgreSQL", 3),
        "database": f"{explain}; posternctl status --json",
        "sample": "! runuser -u postgres -- psql -d mail -f /usr/local/share/postern/sql/sample.sql",
        "logins": block("Postfix", 0)
        + f"cat >> /etc/postfix/master.cf <<'END'\n{submission}END\n"
        + re.search(r"`(kill \$\(cat [^`]*)`", README).group(1)
        + "\nwhile test -e /run/postern/postern.pid; do sleep 0.05; done\n"
        + "postern -P /run/postern/postern.pid\npostfix reload\n",
        "login": f"until {send} 587 bob@example.com x@example.net bob; do sleep 0.2; done; "
                 f"! {send} 587 eve@example.com x@example.net bob; posternctl status --json",
        "haraka": "runuser -u postgres -- createdb haraka\n"
                  f"runuser -u postgres -- psql -q -d haraka < {ROOT}/t/integration/pg_profile_schema.sql\n"
                  "cd /usr/local/share/postern/sql\n" + block("Moving from Haraka", 1)
                  + "runuser -u postern -- psql -d haraka -Atc 'SELECT count(*) FROM haraka.users'\n",
    }


def answers(text):
    """The output of each step, by its name."""
    parts = re.split(r"^== /steps/\d+-(\w+)$", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def json_of(text):
    """The JSON objects in the output of a step."""
    found, at, decoder = [], 0, json.JSONDecoder()
    while (at := text.find("{\"", at) if "{\"" in text[at:] else text.find("{\n", at)) >= 0:
        value, at = decoder.raw_decode(text, at)
        found.append(value)
    return found


@pytest.mark.parametrize("text", re.findall(r"^```ini\n(.*?)^```$", README, re.M | re.S))
def test_the_examples_can_be_appended_to_the_first_configuration(tmp_path, text):
    base = re.search(r"^(\[profile\].*?)^END$", block("With Postfix", 0), re.M | re.S).group(1)
    conf = tmp_path / "postern.conf"
    conf.write_text(base + re.sub(r"^(password|keys)_file\b", r"; \1", text, flags=re.M))  # these files do not exist
    done = subprocess.run([POSTERN, "-n", "-c", conf], capture_output=True, text=True, check=False)
    assert f"{conf}:" not in done.stderr and done.returncode != 78, done


@pytest.fixture(name="walked", scope="module")
def fixture_walked(tmp_path_factory):
    """The output of the steps."""
    needs_root()
    for program in ("postfix", "pg_lsclusters", "runuser", "openssl", "ip", "unshare"):
        if subprocess.run(["which", program], capture_output=True, check=False).returncode != 0:
            pytest.skip(f"{program} is not installed")
    folder = tmp_path_factory.mktemp("readme")
    if subprocess.run([*OWN_MOUNTS, "sh", "-c", f"mount -t tmpfs t {folder} && cd {folder} && mkdir u w m && mount -t "
                       "overlay o -o lowerdir=/,upperdir=u,workdir=w m"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine cannot mount an overlay")
    files = folder.with_name(folder.name + ".steps")
    files.mkdir()
    (files / "main").write_text(MAIN)
    (files / "smtp.py").write_text(SMTP)
    (files / "password").write_text(PASSWORD + "\n")
    for number, (name, text) in enumerate(steps().items(), 10):
        (files / f"{number}-{name}").write_text(text)
    done = subprocess.run([*OWN_MOUNTS, "unshare", "-n", "-p", "-f", "--kill-child", "bash", "-c", INSIDE, "inside", folder],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=300)
    assert done.returncode == 0 and done.stdout.endswith("== end\n"), done.stdout
    return answers(done.stdout)


def test_with_postfix_the_lists_decide(walked):
    assert "no error, 0 problems" in walked["postfix"]
    (status,) = json_of(walked["lists"])
    assert status["cache"]["policy"]["source"] == "lists" and status["sessions"]["sessions"] > 0
    assert status["problems"] == []


def test_a_json_store_to_begin_with(walked):
    assert "0 problems" in walked["json"]
    explained, status = json_of(walked["json_users"])
    assert [step["verdict"] for step in explained["steps"]] == ["accept"] * 5
    assert status["cache"]["policy"]["source"] == "store" and status["problems"] == []
    assert (status["cache"]["users"], status["cache"]["profiles"]) == (1, 1)


def test_users_in_postgresql(walked):
    assert "no error, 0 problems" in walked["conf"] and "is in force, 0 problems" in walked["conf"]
    explained, status = json_of(walked["database"])
    assert [step["verdict"] for step in explained["steps"]] == ["accept"] * 5
    assert status["cache"]["policy"]["source"] == "database" and status["problems"] == []
    assert status["database"]["state"] == "listening" and status["database"]["feed"]
    assert (status["cache"]["users"], status["cache"]["profiles"]) == (1, 1)


def test_the_sample_users_are_not_loaded(walked):
    assert "the passwords of the sample users are public" in walked["sample"]
    assert not re.search(r"^[^#\n]*-f sample\.sql", README, re.M)


def test_logins_through_postfix(walked):
    assert "You are not authorized to send from this address" in walked["login"]
    (status,) = json_of(walked["login"])
    assert status["problems"] == []


def test_the_route_from_haraka(walked):
    assert re.search(r"^\d+\n== end$", walked["haraka"], re.M)
