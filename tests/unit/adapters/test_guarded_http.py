"""Where the guarded client goes, and where it never goes: no case here opens a socket."""

import httpcore
import pytest

from shared.adapters.addresses import Refusal, admit, judge
from shared.adapters.guarded_http import GuardedHttp
from shared.errors import AddressRefused, SourceUnavailable

PUBLIC = "93.184.215.14"
PUBLIC_V6 = "2606:2800:21f:cb07:6820:80da:af6b:8b2c"

ATTACKS = {
    "plain http": ("http://prom.example.com/", "scheme"),
    "file scheme": ("file:///etc/passwd", "scheme"),
    "gopher scheme": ("gopher://prom.example.com:6379/_FLUSHALL", "scheme"),
    "ftp scheme": ("ftp://prom.example.com/", "scheme"),
    "dict scheme": ("dict://prom.example.com:11211/stats", "scheme"),
    "ldap scheme": ("ldap://prom.example.com/", "scheme"),
    "data scheme": ("data:application/json,{}", "scheme"),
    "scheme with a blank before it": (" https://169.254.169.254/", "url"),
    "no scheme at all": ("//prom.example.com/", "scheme"),
    "user and password": ("https://admin:secret@prom.example.com/", "userinfo"),
    "trusted name as user": ("https://prom.example.com@169.254.169.254/", "userinfo"),
    "trusted name and port as user": ("https://prom.example.com:443@10.0.0.1/", "userinfo"),
    "backslash before the real host": ("https://prom.example.com\\@10.0.0.1/", "url"),
    "blank in the host": ("https://prom.example.com 10.0.0.1/", "url"),
    "newline in the path": ("https://prom.example.com/a\r\nHost: evil", "url"),
    "endless URL": ("https://prom.example.com/" + "a" * 5000, "url"),
    "half a surrogate pair": ("https://prom.example.com/\ud800", "url"),
    "no host": ("https:///etc/passwd", "host"),
    "escaped dots": ("https://127%2e0%2e0%2e1/", "host"),
    "empty label": ("https://prom..example.com/", "host"),
    "leading dot": ("https://.example.com/", "host"),
    "fullwidth digits": ("https://\uff11\uff12\uff17.0.0.1/", "url"),
    "circled letters": ("https://\u24dbocalhost/", "url"),
    "ideographic full stops": ("https://127\u30020\u30020\u30021/", "loopback_address"),
    "loopback": ("https://127.0.0.1/", "loopback_address"),
    "another loopback": ("https://127.9.9.9/", "loopback_address"),
    "loopback with a trailing dot": ("https://127.0.0.1./", "disguised_address"),
    "loopback as one decimal": ("https://2130706433/", "disguised_address"),
    "loopback in hex": ("https://0x7f000001/", "disguised_address"),
    "loopback in dotted hex": ("https://0x7f.0x0.0x0.0x1/", "disguised_address"),
    "loopback in octal": ("https://0177.0.0.1/", "url"),
    "loopback in one octal": ("https://017700000001/", "disguised_address"),
    "loopback in two parts": ("https://127.1/", "disguised_address"),
    "a name that ends in a number": ("https://prom.example.1/", "disguised_address"),
    "metadata service": ("https://169.254.169.254/metadata/instance", "link_local_address"),
    "metadata service of the container host": ("https://169.254.170.2/", "link_local_address"),
    "Azure wire server": ("https://168.63.129.16/machine", "metadata_address"),
    "Alibaba metadata": ("https://100.100.100.200/", "metadata_address"),
    "metadata as one decimal": ("https://2852039166/", "disguised_address"),
    "metadata in hex": ("https://0xa9fea9fe/", "disguised_address"),
    "metadata in octal": ("https://0251.0376.0251.0376/", "url"),
    "metadata in octal of three parts": ("https://0251.0376.0124776/", "disguised_address"),
    "metadata with a trailing dot": ("https://169.254.169.254./", "disguised_address"),
    "metadata with fullwidth dots": ("https://169\uff0e254\uff0e169\uff0e254/", "link_local_address"),
    "metadata with halfwidth dots": ("https://169\uff61254\uff61169\uff61254/", "link_local_address"),
    "metadata in Arabic-Indic digits": ("https://\u0661\u0666\u0669.254.169.254/", "url"),
    "private 10": ("https://10.1.2.3/", "private_address"),
    "private 172": ("https://172.31.255.254/", "private_address"),
    "private 192": ("https://192.168.1.1/", "private_address"),
    "carrier-grade NAT": ("https://100.64.0.1/", "private_address"),
    "unspecified": ("https://0.0.0.0/", "reserved_address"),
    "this network": ("https://0.1.2.3/", "reserved_address"),
    "multicast": ("https://224.0.0.1/", "reserved_address"),
    "broadcast": ("https://255.255.255.255/", "reserved_address"),
    "reserved 240": ("https://240.0.0.1/", "reserved_address"),
    "documentation": ("https://203.0.113.7/", "reserved_address"),
    "benchmarking": ("https://198.19.0.1/", "reserved_address"),
    "6to4 relay": ("https://192.88.99.1/", "reserved_address"),
    "v6 loopback": ("https://[::1]/", "loopback_address"),
    "v6 loopback in full": ("https://[0:0:0:0:0:0:0:1]/", "loopback_address"),
    "v6 unspecified": ("https://[::]/", "reserved_address"),
    "v6 link-local": ("https://[fe80::1]/", "link_local_address"),
    "v6 zone": ("https://[fe80::1%25eth0]/", "link_local_address"),
    "v6 unescaped zone": ("https://[fe80::1%eth0]/", "link_local_address"),
    "v6 unique local": ("https://[fd12:3456::1]/", "private_address"),
    "v6 Amazon metadata": ("https://[fd00:ec2::254]/", "metadata_address"),
    "v6 site-local": ("https://[fec0::1]/", "reserved_address"),
    "v6 multicast": ("https://[ff02::1]/", "reserved_address"),
    "v6 discard": ("https://[100::1]/", "reserved_address"),
    "v6 documentation": ("https://[2001:db8::1]/", "reserved_address"),
    "v4-mapped loopback": ("https://[::ffff:127.0.0.1]/", "disguised_address"),
    "v4-mapped metadata": ("https://[::ffff:169.254.169.254]/", "disguised_address"),
    "v6 link-local in full": ("https://[fe80:0000:0000:0000:0000:0000:a9fe:a9fe]/", "link_local_address"),
    "v4-mapped in hex": ("https://[::ffff:a9fe:a9fe]/", "disguised_address"),
    "v4-compatible": ("https://[::127.0.0.1]/", "disguised_address"),
    "v4-translated": ("https://[::ffff:0:127.0.0.1]/", "disguised_address"),
    "6to4 of loopback": ("https://[2002:7f00:1::]/", "disguised_address"),
    "Teredo": ("https://[2001:0:7f00:1::1]/", "disguised_address"),
    "NAT64 of metadata": ("https://[64:ff9b::a9fe:a9fe]/", "disguised_address"),
    "local NAT64": ("https://[64:ff9b:1::a9fe:a9fe]/", "disguised_address"),
    "v4-mapped public": (f"https://[::ffff:{PUBLIC}]/", "disguised_address"),
    "ssh": ("https://prom.example.com:22/", "port"),
    "mail": ("https://prom.example.com:25/", "port"),
    "redis": ("https://prom.example.com:6379/", "port"),
    "memcached": ("https://prom.example.com:11211/", "port"),
    "port zero": ("https://prom.example.com:0/", "port"),
    "telnet": ("https://prom.example.com:23/", "port"),
    "remote exec": ("https://prom.example.com:512/", "port"),
    "X11": ("https://prom.example.com:6000/", "port"),
    "negative port": ("https://prom.example.com:-1/", "port"),
    "port past the last": ("https://prom.example.com:65536/", "port"),
    "port in words": ("https://prom.example.com:http/", "url"),
}


class RecordingNetwork(httpcore.AsyncNetworkBackend):
    """Notes where it is told to connect and answers each connection with the same bytes."""

    def __init__(self, answer: bytes = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n") -> None:
        self.dialled: list[tuple[str, int]] = []
        self.unreachable: set[str] = set()
        self._answer = answer

    async def connect_tcp(self, host: str, port: int, *_: object) -> httpcore.AsyncNetworkStream:
        self.dialled.append((host, port))
        if host in self.unreachable:
            raise httpcore.ConnectError("no route")
        return httpcore.AsyncMockStream([self._answer])


class ScriptedResolver:
    """Gives the next of its answers to each question, and counts the questions."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, _port: int) -> list[str]:
        self.asked.append(host)
        return self._answers.pop(0)


def a_client(resolver: ScriptedResolver, network: RecordingNetwork, *, allow_private: bool = False) -> GuardedHttp:
    return GuardedHttp(allow_private=allow_private, resolve=resolver, network=network)


async def refusal_of(client: GuardedHttp, url: str, **rest: object) -> str:
    with pytest.raises(AddressRefused) as caught:
        await client.request("GET", url, **rest)
    assert not caught.value.retryable
    return caught.value.reason


@pytest.mark.parametrize(("url", "reason"), ATTACKS.values(), ids=ATTACKS.keys())
async def test_an_attack_is_refused_with_its_reason_before_anything_is_asked_or_dialled(
    url: str, reason: str
) -> None:
    resolver, network = ScriptedResolver(), RecordingNetwork()

    assert await refusal_of(a_client(resolver, network), url) == reason

    assert (resolver.asked, network.dialled) == ([], [])


@pytest.mark.parametrize(
    "url",
    [
        "https://prom.example.com/prometheus/",
        "https://prom.example.com:9090",
        "https://prom.example.com./api",
        "HTTPS://PROM.example.com:8443/a?b=c#d",
        "https://münchen.example/",
        "https://my_prom.example.com/",
        f"https://{PUBLIC}:3000/",
        f"https://[{PUBLIC_V6}]/",
    ],
)
def test_an_ordinary_source_is_admitted(url: str) -> None:
    assert admit(url, allow_private=False).scheme == "https"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9090", "http://[::1]:9090", "http://10.0.0.1", "https://[fd12::1]/", "http://prom"]
)
def test_the_private_setting_admits_http_and_private_addresses(url: str) -> None:
    assert admit(url, allow_private=True).host


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/",
        "http://168.63.129.16/",
        "http://100.100.100.200/",
        "http://[fd00:ec2::254]/",
        "http://[fe80::1]/",
        "http://0.0.0.0/",
        "http://224.0.0.1/",
        "http://[::ffff:127.0.0.1]/",
        "http://2130706433/",
        "http://a:b@127.0.0.1/",
        "http://127.0.0.1:6379/",
        "ftp://127.0.0.1/",
    ],
)
def test_the_private_setting_still_refuses_metadata_disguises_and_odd_ports(url: str) -> None:
    with pytest.raises(AddressRefused):
        admit(url, allow_private=True)


@pytest.mark.parametrize("private", ["10.0.0.1", "127.0.0.1", "::1", "169.254.169.254", "fe80::1%eth0"])
async def test_one_private_address_among_public_ones_refuses_the_whole_host(private: str) -> None:
    network = RecordingNetwork()
    client = a_client(ScriptedResolver([PUBLIC, PUBLIC_V6, private]), network)

    await refusal_of(client, "https://prom.example.com/")

    assert network.dialled == []


async def test_a_name_that_is_rebound_to_loopback_between_requests_is_never_dialled_there() -> None:
    resolver, network = ScriptedResolver([PUBLIC], ["127.0.0.1"]), RecordingNetwork()
    client = a_client(resolver, network)

    await client.request("GET", "https://rebind.example.com/")
    assert await refusal_of(client, "https://rebind.example.com/") == "loopback_address"

    assert network.dialled == [(PUBLIC, 443)]


async def test_a_host_is_resolved_once_a_connection_and_the_checked_address_is_the_one_dialled() -> None:
    resolver, network = ScriptedResolver([PUBLIC], ["127.0.0.1"]), RecordingNetwork()

    await a_client(resolver, network).request("GET", "https://rebind.example.com:9443/")

    assert (resolver.asked, network.dialled) == (["rebind.example.com"], [(PUBLIC, 9443)])


async def test_the_next_checked_address_is_dialled_when_the_first_is_unreachable() -> None:
    network = RecordingNetwork()
    network.unreachable = {PUBLIC_V6}

    answer = await a_client(ScriptedResolver([PUBLIC_V6, PUBLIC]), network).request("GET", "https://a.example.com/")

    assert answer.status == 204
    assert [host for host, _ in network.dialled] == [PUBLIC_V6, PUBLIC]


async def test_a_host_without_an_address_is_unavailable_for_now() -> None:
    with pytest.raises(SourceUnavailable) as caught:
        await a_client(ScriptedResolver([]), RecordingNetwork()).request("GET", "https://gone.example.com/")
    assert caught.value.reason == "unresolvable"


@pytest.mark.parametrize("name", ["Host", "accept-encoding", "Transfer-Encoding", "Content-Length"])
async def test_a_header_that_the_client_sets_itself_cannot_be_replaced(name: str) -> None:
    client = a_client(ScriptedResolver(), RecordingNetwork())
    assert await refusal_of(client, "https://prom.example.com/", headers={name: "x"}) == "header"


@pytest.mark.parametrize("value", ["a\r\nX-Injected: yes", "tök€n"])
async def test_a_header_value_that_http_does_not_allow_is_refused(value: str) -> None:
    client = a_client(ScriptedResolver([PUBLIC]), RecordingNetwork())
    assert await refusal_of(client, "https://prom.example.com/", headers={"Authorization": value}) == "header"


async def test_an_answer_that_is_not_http_is_named_so() -> None:
    client = a_client(ScriptedResolver([PUBLIC]), RecordingNetwork(b"SSH-2.0-OpenSSH_9.6\r\n"))
    with pytest.raises(SourceUnavailable) as caught:
        await client.request("GET", "https://prom.example.com/")
    assert caught.value.reason == "protocol"


@pytest.mark.parametrize("field", ["params", "form"])
async def test_a_parameter_that_cannot_be_encoded_is_refused(field: str) -> None:
    client = a_client(ScriptedResolver(), RecordingNetwork())
    assert await refusal_of(client, "https://prom.example.com/", **{field: {"query": "\ud800"}}) == "header"


def test_an_error_message_never_repeats_the_path_or_the_query() -> None:
    with pytest.raises(AddressRefused) as caught:
        admit("https://10.0.0.1/path-secret?token=query-secret", allow_private=False)
    assert "secret" not in str(caught.value)


def test_every_address_outside_the_ipv6_global_range_is_refused_without_being_listed() -> None:
    assert judge("4000::1", allow_private=True) is Refusal.RESERVED


async def test_a_server_error_that_was_asked_for_is_an_answer_and_every_other_is_not() -> None:
    network = RecordingNetwork(b"HTTP/1.1 503 Busy\r\nContent-Length: 3\r\nConnection: close\r\n\r\nwhy")
    client = a_client(ScriptedResolver([PUBLIC], [PUBLIC]), network)

    answer = await client.request("GET", "https://prom.example.com/", answers=(503,))
    with pytest.raises(SourceUnavailable) as failed:
        await client.request("GET", "https://prom.example.com/", answers=(500,))

    assert (answer.status, answer.body, failed.value.reason) == (503, b"why", "http_5xx")


async def test_a_caller_may_want_less_than_the_client_reads() -> None:
    network = RecordingNetwork(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nwhy")
    client = a_client(ScriptedResolver([PUBLIC]), network)
    with pytest.raises(SourceUnavailable) as failed:
        await client.request("GET", "https://prom.example.com/", max_bytes=2)
    assert failed.value.reason == "too_large"
