"""An authority, and certificates of it for this computer, for programs and for local authorities."""

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """Issues for a month."""

    def __init__(self, name):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self.sign(name, self.key, None)

    def issue(self, folder, name, uri=None):
        """A certificate and its key in `NAME.pem` and `NAME-key.pem`: for this computer, or for whom a URI names."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.UniformResourceIdentifier(uri)] if uri else [
            x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        certificate = self.sign(name, key, x509.SubjectAlternativeName(names))
        put(folder / f"{name}.pem", certificate.public_bytes(serialization.Encoding.PEM))
        put(folder / f"{name}-key.pem", key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                          serialization.NoEncryption()))
        return certificate

    def keep(self, path):
        put(path, self.certificate.public_bytes(serialization.Encoding.PEM))

    def sign(self, name, key, names):
        now = datetime.datetime.now(datetime.timezone.utc)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = self.certificate.subject if names else subject
        built = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
                 .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
                 .not_valid_after(now + datetime.timedelta(days=30))
                 .add_extension(x509.BasicConstraints(ca=names is None, path_length=None), critical=True))
        if names:
            built = built.add_extension(names, critical=False)
        return built.sign(self.key, hashes.SHA256())


def put(path, data):
    path.write_bytes(data)
    path.chmod(0o600)
