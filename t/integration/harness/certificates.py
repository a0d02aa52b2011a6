"""Certificates for the MTAs of the tests."""

import subprocess


def make_certificate(folder):
    """Make key.pem and cert.pem in a directory. Their modes are those that Postfix and Sendmail want."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", "/CN=mx.postern.example", "-keyout", folder / "key.pem",
                    "-out", folder / "cert.pem"], check=True, capture_output=True)
    (folder / "key.pem").chmod(0o600)
