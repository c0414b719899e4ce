"""The table of what is masked: by kind, what gives it away cheaply, and the pattern whose group `secret` is masked.

Formats are as their issuers document them; lengths are lower than theirs, so that a secret cut off in the middle is
still one. No pattern can be made to look at a character more than a fixed number of times: repetitions are bounded,
or cannot begin inside what they have looked at already.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from shared.redaction.checks import address_in, card_in, iban_in, mixed_in, phone_in, random_in, whole
from shared.redaction.kinds import Kind

NAMES = (
    r"password|passwd|passphrase|passcode|(?<![a-z])pwd|secret|token|credentials?|"
    r"(?:api|access|account|private|secret|signing|encryption|master|shared|auth|subscription|function|"
    r"licen[cs]e)[ _-]?key(?:[ _-]?base)?|"
    r"shared[ _-]?access[ _-]?(?:key|signature)|j?session[ _-]?id|phpsessid"
)
"""What a value is called that is a secret; ends of longer names too (`PGPASSWORD`, `clientSecret`)."""

_MASK = r"\[redacted:[a-z_]{3,20}\](?!\w)"
_FRESH = rf"(?!{_MASK})"
"""Not masked already."""
# What stands there when no secret does: words about it, a template's place, an earlier mask.
_NOT_ONE = (
    rf"(?!{_MASK}|"
    r"%22|\{\{|\$\{|\$\(|%[sdv]\b|\*{3}|<[a-z_ -]{1,40}>|"
    r"(?:true|false|null|none|nil|undefined|empty|missing|invalid|expired|required|rejected|denied|failed|error|"
    r"disabled|enabled|ok|unknown|not|no|is|was|has|the|an?|for|in|from|of|and|or|its?|this|that|by|on|at|to|with|"
    r"which|see|use|look|check)(?:[\s\"',;.&)}\]]|$))"
)
_SEPARATOR = r"\\?[\"']?\s{0,4}(?:=~|!~|!=|==|:=|=>|=|:|%3D|%3A)\s{0,4}(?:\\?[\"']|%22)?"
_QUOTED = r"(?<=\")(?:[^\"\n\\]|\\[^\"'\n]){1,4096}|(?<=')(?:[^'\n\\]|\\[^\"'\n]){1,4096}"
# A bracket ends it only where nothing goes on.
_BARE = r"(?<![\"'])(?:[^\s\"',;&}\\)\]]|[)\]](?=[\w!#$%^*@])|\\[^\"'nrt]){1,4096}"
_VALUE = rf"{_NOT_ONE}(?P<secret>{_QUOTED}|{_BARE})"
_ALONE = r"(?<![A-Za-z0-9])"
LONG_WORD_CHARS = 14
_NUMBERS = re.compile(r"\d[\d ().-]{6}")


@dataclass(frozen=True)
class Rule:
    """One way in which a kind shows itself. Without any of `hints` in the text the pattern is not tried."""

    kind: Kind
    hints: tuple[str, ...]
    """In lower case."""
    expression: str
    found: Callable[[str], int] = whole
    """How many characters at the beginning of `secret` are one; 0 for none."""
    needs: re.Pattern[str] | None = None
    """Must be in the text too, where hints would be digits."""

    flags: re.RegexFlag = re.NOFLAG
    is_one_word: bool = False
    """It has a shape of its own and no blank: without a word of LONG_WORD_CHARS it is not there."""

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Compiled when it is first tried: all of them would cost a cold start, and most texts try none."""
        return re.compile(self.expression, self.flags)


def _rule(kind: Kind, hints: str, pattern: str, found: Callable[[str], int] = whole, *, exact: bool = False) -> Rule:
    flags = re.NOFLAG if exact else re.IGNORECASE
    return Rule(kind, tuple(hints.split()), pattern, found, flags=flags)


def _word(kind: Kind, hints: str, pattern: str) -> Rule:
    return Rule(kind, tuple(hints.split()), pattern, is_one_word=True)


def _number(kind: Kind, pattern: str, found: Callable[[str], int] = whole) -> Rule:
    return Rule(kind, (), pattern, found, needs=_NUMBERS)


# Order matters: whole blocks first, then what has a shape of its own, then what is only called a secret.
RULES: tuple[Rule, ...] = (
    Rule(
        Kind.PRIVATE_KEY,
        ("private key",),
        r"(?P<secret>-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?"
        r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z))",
        flags=re.DOTALL,
    ),
    _rule(
        Kind.WEBHOOK_URL,
        "hooks.slack webhook api.telegram.org/bot events.pagerduty.com/integration",
        r"(?:hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/|discord(?:app)?\.com/api/webhooks/|"
        r"webhook\.office(?:365)?\.com/|outlook\.office(?:365)?\.com/webhook/|api\.telegram\.org/bot|"
        r"events\.pagerduty\.com/integration/)(?P<secret>" + _FRESH + r"[^\s\"'<>)\]]{1,1000})",
    ),
    # The second form: a password with a slash in it, told from a port by not being a number.
    _rule(
        Kind.URL_CREDENTIALS,
        "://",
        r"://(?P<secret>"
        + _FRESH
        + r"[^\s/?#\"'<>]{1,300}|[^\s/?#@:\"'\[<>]{0,100}:(?!\d{1,5}[/?#])[^\s\"'@<>]{1,200})@",
    ),
    _rule(
        Kind.URL_CREDENTIALS,
        "jdbc:oracle",
        r"jdbc:oracle:\w{1,10}:[^/\s@]{1,60}/(?P<secret>" + _FRESH + r"[^@\s]{1,100})@",
    ),
    _word(Kind.GRAFANA_TOKEN, "glsa_ glc_ eyjrijoi", rf"{_ALONE}(?P<secret>(?:glsa_|glc_|eyJrIjoi)[\w+/=-]{{8,}})"),
    _word(
        Kind.JWT,
        "eyj",
        r"(?<![\w-])(?P<secret>eyJ[\w-]{5,}(?:\.|%2E)[\w-]{3,}(?:\.[\w-]*){0,3})",
    ),
    _rule(
        Kind.AUTHORIZATION,
        "authorization authorisation",
        r"authori[sz]ation\\?[\"']?\s{0,4}(?::|=|%3A|%3D)\s{0,4}(?:\\?[\"'])?(?!(?:\w{1,20}\s{1,4})?" + _MASK + r")"
        rf"(?:(?:bearer|basic|digest|negotiate|token|apikey|aws4-hmac-sha256)\s{{1,4}})?{_NOT_ONE}"
        r"(?P<secret>[^\s\"'\\]{1,4096})",
    ),
    _rule(
        Kind.AUTHORIZATION,
        "bearer basic",
        r"\b(?:bearer|basic)(?:\s{1,4}|%20|\+)(?P<secret>[\w.~+/-]{8,}=*)",
        random_in,
    ),
    _rule(Kind.AUTHORIZATION, "token=", r"\btoken\s{1,4}token=\"?(?P<secret>" + _FRESH + r"[\w.~+/-]+)"),
    _rule(
        Kind.COOKIE,
        "cookie",
        r"cookie\\?[\"']?\s{0,4}(?::|%3A)\s{0,4}(?:\\?[\"'])?(?P<secret>"
        + _FRESH
        + r"[\w.-]{1,200}=[^\"'\n\\]{1,4096})",
    ),
    _rule(
        Kind.AZURE_KEY,
        "accountkey sharedaccesskey sharedsecret",
        r"(?:AccountKey|SharedAccessKey|SharedSecret(?:Value)?)(?:=|%3D)(?P<secret>"
        + _FRESH
        + r"[^\s;\"'&<>]{1,1000})",
    ),
    _rule(Kind.AZURE_KEY, "code=", r"[?&]code=(?P<secret>[\w/+%-]{20,200}={0,2})"),
    _word(Kind.AZURE_KEY, "q~", r"(?<![\w.~-])(?P<secret>[\w.~]{3}\dQ~[\w.~-]{20,})"),
    _word(
        Kind.AZURE_KEY,
        "jqqj99 +ast +asb +aeh +arm +acr acdb azfu azse aiot azca apim",
        r"(?<![A-Za-z0-9+/=-])(?P<secret>[A-Za-z0-9]{40,60}JQQJ99[A-Za-z0-9]{10,30}|"
        r"[A-Za-z0-9+/]{28,90}(?:\+A(?:St|Sb|Eh|Rm|CR)|ACDb|Az(?:Fu|Se|Ca)|AIoT|APIM)[A-Za-z0-9+/]{2,14}={0,2})"
        r"(?![A-Za-z0-9+/])",
    ),
    # 64 bytes in base64, as a storage account's keys are; a package's SHA-512 is written with its name before it.
    _word(Kind.AZURE_KEY, "==", r"(?<![\w+/=-])(?P<secret>[A-Za-z0-9+/]{86}==)(?![\w+/=])"),
    _rule(
        Kind.AZURE_SAS,
        "sig= sig%3d signature=",
        r"(?<![a-z])(?:sig|SharedAccessSignature)(?:=|%3D)(?P<secret>" + _FRESH + r"[^\s&;\"'<>]{4,2000})",
    ),
    _word(
        Kind.AWS_KEY,
        "akia asia abia acca",
        rf"{_ALONE}(?P<secret>(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{{16}})(?![A-Za-z0-9])",
    ),
    _rule(
        Kind.AWS_KEY,
        "signature= credential= security-token=",
        r"(?:x-(?:amz|goog)-(?:signature|credential|security-token)|,\s?signature)=(?P<secret>"
        + _FRESH
        + r"[^\s&\"',<>]{8,4096})",
    ),
    _word(
        Kind.GITHUB_TOKEN,
        "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_",
        rf"{_ALONE}(?P<secret>(?:gh[pousr]_[A-Za-z0-9]{{10,}}|github_pat_\w{{10,}}))",
    ),
    _word(
        Kind.GITLAB_TOKEN,
        "glpat- gldt- glrt- glcbt- glptt- glft- glsoat- glagent- glimt- gloas- glffct- glwt-",
        rf"{_ALONE}(?P<secret>gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|imt|oas|ffct|wt)-[\w.-]{{8,}})",
    ),
    _word(
        Kind.SLACK_TOKEN, "xox xapp- xwfp-", rf"{_ALONE}(?P<secret>(?:xox[a-z](?:\.xox[bp])?|xapp|xwfp)-[\w-]{{8,}})"
    ),
    _word(
        Kind.GOOGLE_KEY,
        "aiza gocspx- ya29.",
        rf"{_ALONE}(?P<secret>AIza[\w-]{{20,}}|GOCSPX-[\w-]{{8,}}|ya29\.[\w-]{{10,}})",
    ),
    _word(
        Kind.VENDOR_TOKEN,
        "sk- sk_ rk_ whsec_ sg. npm_ pypi- _v1_ hvs. hvb. hvr. shpat_ shpca_ shppa_ shpss_ nrak- hf_ dckr_ xkeysib- "
        "age-secret atatt dapi lin_api_ sntrys_ sntryu_ pmak- sq0 rubygems_ tskey- :aa key-",
        rf"{_ALONE}(?P<secret>sk-[A-Za-z0-9]{{20,}}|sk-(?:proj|ant|or|svcacct|admin|live)-[\w-]{{16,}}|"
        r"[sr]k_(?:live|test)_\w{8,}|whsec_[\w+/=]{16,}|SG\.[\w-]{16,64}\.[\w-]{16,64}|npm_[A-Za-z0-9]{30,}|"
        r"pypi-[\w-]{30,}|do[opr]_v1_[0-9a-f]{16,}|hv[sbr]\.[\w-]{20,}|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{16,}|"
        r"NRAK-[A-Z0-9]{16,}|hf_[A-Za-z0-9]{30,}|dckr_pat_[\w-]{16,}|xkeysib-[0-9a-f]{32,}|"
        r"AGE-SECRET-KEY-1[A-Z0-9]{20,}|ATATT3[\w=-]{20,}|dapi[0-9a-f]{32}|lin_api_\w{20,}|sntry[su]_[\w=+/-]{16,}|"
        r"PMAK-[0-9a-f-]{30,}|sq0[a-z]{3}-[\w-]{20,}|rubygems_[0-9a-f]{40}|tskey-[\w-]{16,}|\d{8,10}:AA[\w-]{30,}|"
        r"key-[0-9a-f]{32})",
    ),
    _rule(
        Kind.PASSWORD_FLAG,
        "--",
        rf"--(?:[a-z0-9]{{1,30}}-){{0,4}}(?:{NAMES})\s{{1,4}}[\"']?(?P<secret>"
        + _FRESH
        + r"[^\s\"'-][^\s\"']{0,500})",
    ),
    _rule(
        Kind.PASSWORD_FLAG,
        "-u --user --proxy-user",
        r"(?<!\S)(?:-u|--user|--proxy-user)[\s=]{1,4}[\"']?[^\s:\"']{1,100}:(?!\d+(?:\s|$))(?P<secret>"
        + _FRESH
        + r"[^\s\"']{1,500})",
    ),
    _rule(
        Kind.PASSWORD_FLAG,
        "mysql mariadb sshpass redis-cli login",
        r"\b(?:mysql(?:dump|admin)?|mariadb|sshpass|redis-cli|docker\slogin)\s(?:[^|\n]{0,100}?\s)??-[pa]\s?[\"']?"
        r"(?P<secret>" + _FRESH + r"[^\s\"'-][^\s\"']{0,500})",
        exact=True,
    ),
    _rule(
        Kind.SECRET_VALUE,
        "passw passp passc pwd secret token credential key signature sessionid session_id session-id phpsessid",
        rf"(?:{NAMES}){_SEPARATOR}{_VALUE}",
    ),
    _rule(
        Kind.SECRET_VALUE,
        "password identified",
        r"\b(?:password|identified\s{1,4}by)\s{1,4}(?:is\s{1,4})?\\?(?P<q>[\"'])(?P<secret>"
        + _FRESH
        + r"[^\"'\n]{1,500})(?P=q)",
    ),
    # Shorter, so also a word of its own: `bypass=` and `pass: 12, fail: 3` are none.
    _rule(Kind.SECRET_VALUE, "pass", rf"(?<![a-z])pass{_SEPARATOR}(?!\d+(?:[\s,;)]|$)){_VALUE}"),
    # Without a sign between them only what no word looks like.
    _rule(
        Kind.SECRET_VALUE,
        "passw passphrase api",
        r"(?<![a-z])(?:password|passwd|passphrase|api[ _-]?key)(?:\s{1,4}(?:is|to|was))?\s{1,4}"
        r"(?P<secret>" + _FRESH + r"[^\s\"',;]{6,200})",
        mixed_in,
    ),
    _rule(
        Kind.EMAIL,
        "@ %40",
        r"(?<![\w.%+-])(?P<secret>[\w.%+-]{1,64}(?:@|%40)[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}(?:\.[a-z]{2,24}|\.?…))",
        address_in,
    ),
    _number(
        Kind.IBAN,
        r"(?<![A-Za-z0-9])(?P<secret>[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,36})",
        iban_in,
    ),
    _number(
        Kind.PAYMENT_CARD,
        r"(?<![\w.+-])(?P<secret>\d{14,16}|\d{4}([ -])\d{4}\2\d{4}\2\d{4}|\d{4}([ -])\d{6}\3\d{4,5})(?![\w-]|\.\d)",
        card_in,
    ),
    _number(Kind.US_SSN, r"(?<![\w.+-])(?P<secret>(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4})(?![\w-]|\.\d)"),
    Rule(
        Kind.US_SSN,
        ("ssn", "social security"),
        r"(?:\bssn|social security (?:number|no\.?))\\?[\"']?[\s:=#]{1,4}\\?[\"']?"
        r"(?P<secret>\d{3}[ -]?\d{2}[ -]?\d{4})(?!\d)",
        needs=_NUMBERS,
        flags=re.IGNORECASE,
    ),
    _number(
        Kind.PHONE,
        r"(?<![\w.+/-])(?P<secret>\+[1-9](?:[ .()-]{0,2}\d){7,14}|(?:\([2-9]\d{2}\) ?|[2-9]\d{2}-)[2-9]\d{2}-\d{4})"
        r"(?![\w-]|\.\d)",
        phone_in,
    ),
    Rule(
        Kind.PHONE,
        ("phone", "mobile", "msisdn", "tel:"),
        r"(?:phone|mobile|msisdn|\btel)(?:[ _-]?(?:number|no\.?))?\\?[\"']?\s{0,4}[:=]\s{0,4}(?:\\?[\"'])?"
        r"(?P<secret>\+?\(?\d[\d ().-]{5,18}\d)(?![\w-])",
        needs=_NUMBERS,
        flags=re.IGNORECASE,
    ),
)
