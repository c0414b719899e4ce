"""Secrets and personal data to plant, by kind: where each stands in a text, and the part that must not be seen.

They are put together from pieces, so that nobody's scanner takes this file for a leak. None of them opens anything.
"""

from dataclasses import dataclass

from shared.redaction import Kind


@dataclass(frozen=True)
class Planted:
    """A text, and what of it is secret."""

    kind: Kind
    text: str
    secret: str


def _ones(kind: Kind, *pairs: tuple[str, str]) -> list[Planted]:
    return [Planted(kind, text.replace("@@", secret), secret) for text, secret in pairs]


def _token(prefix: str, number: int, length: int = 36) -> str:
    letters = "q7Zr2Kd9Xw4Lm8Vb3Nc6Tf1Hs5Jg0PyUeAoIi" * 3
    return prefix + letters[number : number + length]


_PEM = "-----{} {} KEY-----"
_JWT = "ey" + "JhbGciOiJIUzI1NiJ9.ey" + "JzdWIiOiJwbGFudGVk{}In0.c2lnbmF0dXJl{}-_x"

PLANTED: tuple[Planted, ...] = (
    *_ones(
        Kind.PRIVATE_KEY,
        (
            f"{_PEM.format('BEGIN', 'RSA PRIVATE')}\n@@\n{_PEM.format('END', 'RSA PRIVATE')}",
            "MIIEpAIBAAKCAQEAplanted1RSA",
        ),
        (
            f"tls: {_PEM.format('BEGIN', 'PRIVATE')}\\n@@\\n{_PEM.format('END', 'PRIVATE')} refused",
            "MIIEvQIBADANplanted2PKCS8",
        ),
        (f"{_PEM.format('BEGIN', 'OPENSSH PRIVATE')} @@ cut off", "b3BlbnNzaC1rZXktplanted3"),
        (f"{_PEM.format('BEGIN', 'EC PRIVATE')} @@ {_PEM.format('END', 'EC PRIVATE')}", "MHcCAQEEIplanted4EC"),
    ),
    *_ones(
        Kind.JWT,
        ("session @@ rejected", _JWT.format("1", "1")),
        ("id_token @@", _JWT.format("2", "2")),
        ("got=@@&x=1", _JWT.format("3", "3")),
    ),
    *_ones(
        Kind.AUTHORIZATION,
        ("upstream said 401 to Authorization: Bearer @@", "planted-bearer-0001"),
        ('{"authorization": "Basic @@"}', "cGxhbnRlZDpwYXNz"),
        ("curl -H 'Authorization: Token @@' https://api.example", "planted-token-0002"),
        ("sent Bearer @@ twice", "planted0bearer0003"),
    ),
    *_ones(
        Kind.COOKIE,
        ("Cookie: @@", "sid=planted-cookie-0001; theme=dark"),
        ("Set-Cookie: @@", "auth=planted-cookie-0002; HttpOnly"),
    ),
    *_ones(
        Kind.URL_CREDENTIALS,
        ("cannot reach postgres://app:@@@db:5432/orders", "planted-pg-1"),
        ("amqp://worker:@@@mq.example/vhost is down", "planted-mq-2"),
        ("mongodb+srv://app:@@@cluster0.example/x", "pl@nted-mongo-3"),
        ("clone https://@@@git.example/shop.git", "planted-git-4"),
        ("redis://:@@@cache:6379/0", "planted/redis-5"),
        ("jdbc:oracle:thin:scott/@@@//db:1521/x", "planted-ora-6"),
    ),
    *_ones(
        Kind.AZURE_KEY,
        ("DefaultEndpointsProtocol=https;AccountName=a;AccountKey=@@;EndpointSuffix=x", "cGxhbnRlZC1hY2NvdW50MQ=="),
        ("Endpoint=sb://bus/;SharedAccessKeyName=root;SharedAccessKey=@@", "cGxhbnRlZC1idXMtMg="),
        ("https://fn.azurewebsites.net/api/run?code=@@", "pl4nt3dFunctionKey000003=="),
        ("app secret @@ expires", "PlX8" + "Q~plantedClientSecret_00000000000004"),
        ("key @@ of the account", "pL" * 43 + "=="),
    ),
    *_ones(
        Kind.AZURE_SAS,
        ("https://a.blob.core.windows.net/c/b?sv=2024-11-04&sig=@@&se=2027", "pl4nt3d%2Fsas1%3D"),
        ("SharedAccessSignature sr=hub&sig=@@&se=1", "pl4nt3dsas2%3D"),
    ),
    *_ones(
        Kind.AWS_KEY,
        ("denied for @@ in eu-west-1", "AK" + "IAPLANTED7EXAMPLE1"),
        ("assumed @@", "AS" + "IAPLANTED7EXAMPLE2"),
        ("https://b.s3.amazonaws.com/k?X-Amz-Signature=@@", "f00dplanted" + "3" * 40),
        ("aws_secret_access_key = @@", "wJalrPlantedFEMIbPxRfiCYEXAMPLEKEY4"),
    ),
    *_ones(
        Kind.GITHUB_TOKEN,
        ("push with @@ failed", _token("gh" + "p_", 0)),
        ("runner got @@", _token("gh" + "s_", 1)),
        ("bot uses @@.", _token("github" + "_pat_11", 2, 60)),
    ),
    *_ones(
        Kind.GITLAB_TOKEN,
        ("mirror with @@", _token("gl" + "pat-", 3, 20)),
        ("deploy token @@ expired", _token("gl" + "dt-", 4, 20)),
        ("runner @@", _token("gl" + "rt-", 5, 20)),
    ),
    *_ones(
        Kind.SLACK_TOKEN,
        ("bot @@ is rate limited", "xo" + "xb-123456789012-planted0001"),
        ("user @@", "xo" + "xp-123456789012-planted0002"),
        ("app @@", "xa" + "pp-1-A0123-planted0003"),
    ),
    *_ones(
        Kind.WEBHOOK_URL,
        ("post to https://hooks.slack" + ".com/services/@@ failed", "T0PLANT/B0PLANT/planted0001"),
        ("https://discord" + ".com/api/webhooks/@@", "123456789/planted-discord-0002"),
        ("https://acme.webhook.office" + ".com/@@", "webhookb2/planted-teams-0003"),
    ),
    *_ones(
        Kind.GOOGLE_KEY,
        ("maps @@ over quota", _token("AI" + "za", 6, 35)),
        ("oauth @@", _token("GOC" + "SPX-", 7, 28)),
        ("ya @@", _token("ya" + "29.", 8, 60)),
    ),
    *_ones(
        Kind.GRAFANA_TOKEN,
        ("service account @@", _token("gl" + "sa_", 9, 40)),
        ("cloud @@", _token("gl" + "c_", 10, 40)),
    ),
    *_ones(
        Kind.VENDOR_TOKEN,
        ("charge with @@", _token("sk" + "_live_", 11, 24)),
        ("model @@", _token("sk" + "-proj-", 12, 40)),
        ("mail @@", "S" + "G.plantedplanted000001.plantedplantedplanted02"),
        ("publish @@", _token("np" + "m_", 13, 36)),
        ("vault @@", _token("hv" + "s.", 14, 30)),
        ("droplet @@", "do" + "p_v1_" + "0badc0de" * 8),
    ),
    *_ones(
        Kind.PASSWORD_FLAG,
        ("run: psql --db-password @@ --verbose", "planted-flag-1"),
        ("curl -u deploy:@@ https://repo.example", "planted-flag-2"),
        ("sshpass -p @@ ssh host", "planted-flag-3"),
        ("mysql -h db -p@@ orders", "planted-flag-4"),
        ("docker login -u ci -p @@", "planted-flag-5"),
    ),
    *_ones(
        Kind.SECRET_VALUE,
        ("login failed, password=@@", "planted!pass-1"),
        ('{"api_key": "@@"}', "planted key 2"),
        ('up{client_secret="@@"} == 0', "planted-secret-3"),
        ("env PGPASSWORD: @@", "planted-env-4"),
        ("https://x.example/hook?access_token=@@&v=1", "planted-query-5"),
        ("the password is @@ again", "planted8pass8"),
        ('{"pass": "@@"}', "planted-short-9"),
        ("SECRET_KEY_BASE: @@", "planted-base-10"),
        ("ALTER USER app IDENTIFIED BY '@@'", "planted-sql-6"),
        ("see graph?g0.expr=up%7Btoken%3D%22@@%22%7D", "planted-escaped-7"),
    ),
    *_ones(
        Kind.EMAIL,
        ("checkout of @@ failed", "planted.one@customer.example"),
        ("mailto:@@", "planted+two@mail.customer.example"),
        ("user=planted%40three.example&x=1 or @@", "planted_four@customer.co.uk"),
    ),
    *_ones(
        Kind.PAYMENT_CARD,
        ("card @@ declined", "4111 1111 1111 1111"),
        ("pan=@@", "5555555555554444"),
        ("amex @@.", "3782-822463-10005"),
    ),
    *_ones(
        Kind.IBAN,
        ("refund to @@ failed", "DE89 3704 0044 0532 0130 00"),
        ("account @@,", "GB82WEST12345698765432"),
        ("from @@ PAID", "NL91 ABNA 0417 1643 00"),
    ),
    *_ones(
        Kind.PHONE,
        ("call @@ now", "+49 30 901820 99"),
        ("caller @@ hung up", "(415) 555-2671"),
        ("phone: @@", "030 9018 2099"),
    ),
    *_ones(
        Kind.US_SSN,
        ("ssn @@ of the applicant", "123-45-6789"),
        ("taxpayer @@", "219-09-9998"),
        ("ssn=@@", "219099997"),
    ),
)
"""More than sixty of more than twelve kinds."""
