"""Credentials from those who give them, by stand-ins on loopback: which requests are made, and what an error says.

Which files and variables are looked at in which order is in tests/engine/remote/test_credentials_*.c.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from credentials_server import CONTAINER_TOKEN, GOOGLE_TOKEN, Server

PROGRAM = os.environ.get("AREC_CREDENTIALS")
if not PROGRAM:
    pytest.skip("built without libcurl", allow_module_level=True)
AWS = "ASIAX SECRETkey/+= SECRETsession== - -"
GOOGLE = f"- - - {GOOGLE_TOKEN}"
# A busy machine is no machine without a metadata service.
PATIENT = {"AWS_METADATA_SERVICE_TIMEOUT": "60", "GCE_METADATA_TIMEOUT": "60"}
REDIRECT = (302, {"Location": "/elsewhere"}, "")


@pytest.fixture
def run(tmp_path):
    """run (KIND, PROFILE..., VARIABLE=...): (exit code, output, error), in an environment of the test's own."""
    def run(*args, command=(), **variables):
        environment = {name: value for name, value in os.environ.items()
                       if not name.lower().endswith("_proxy") and not name.startswith(("AWS_", "GOOGLE_", "GCE_", "CLOUDSDK_"))}
        environment |= {"HOME": str(tmp_path), **PATIENT, **{name: str(value) for name, value in variables.items()}}
        done = subprocess.run([*command, PROGRAM, *args], env=environment, capture_output=True, text=True, timeout=120)
        assert "SECRET" not in done.stderr, done.stderr
        return done.returncode, done.stdout, done.stderr
    return run


def check_aws(result):
    code, out, err = result
    assert (code, err) == (0, ""), result
    assert out.rpartition(" ")[0] == AWS
    assert 3000 < int(out.split()[-1]) <= 3600


def check_google(result, project="-"):
    code, out, err = result
    assert (code, err) == (0, ""), result
    assert out.rpartition(" ")[0] == f"{GOOGLE} {project}"
    assert 3000 < int(out.split()[-1]) <= 3600


def fails(result, code, *parts):
    assert result[0] == code and result[1] == "", result
    for part in parts:
        assert part in result[2], result


# ---- EC2 ----------------------------------------------------------------------------------------

IMDS = ["PUT /latest/api/token 200", "GET /latest/meta-data/iam/security-credentials/ 200",
        "GET /latest/meta-data/iam/security-credentials/role%20with%20spaces 200"]


def test_instance(run):
    with Server() as server:
        check_aws(run("aws", AWS_EC2_METADATA_SERVICE_ENDPOINT=server.url + "/"))
        assert server.paths == IMDS
        assert server.log[0].headers["x-aws-ec2-metadata-token-ttl-seconds"] == "21600"


@pytest.mark.parametrize("status", [403, 404, 405])
def test_instance_without_the_second_version(run, status):
    with Server(fault=lambda request: (status, {}, "SECRETbody")) as server:
        fails(run("aws", AWS_EC2_METADATA_SERVICE_ENDPOINT=server.url), 3, "no credentials of AWS were found",
              f"the metadata of the instance: HTTP {status} for a token. What is public")
        assert [request.method for request in server.log] == ["PUT"]


def test_instance_without_a_role(run):
    with Server(fault=lambda request: (404, {}, "") if request.method == "GET" else None) as server:
        fails(run("aws", AWS_EC2_METADATA_SERVICE_ENDPOINT=server.url), 3, "the metadata of the instance: it has no role")


def test_instance_whose_role_gives_nothing(run):
    def fault(request):
        return (200, {}, {"Code": "AssumeRoleUnauthorizedAccess", "Message": "m"}) if request.path.endswith("spaces") else None

    with Server(fault=fault) as server:
        fails(run("aws", AWS_EC2_METADATA_SERVICE_ENDPOINT=server.url), 3,
              "the metadata of the instance: HTTP 200, AssumeRoleUnauthorizedAccess: m")


def test_instance_that_is_busy(run):
    with Server(fault=lambda request: (503, {}, "") if len(server.log) % 2 == 0 else None) as server:
        check_aws(run("aws", AWS_EC2_METADATA_SERVICE_ENDPOINT=server.url))
        assert [request.status for request in server.log] == [503, 200] * 3


def test_nobody_answers(run):
    """Tried twice, then told with the hint at the hop limit."""
    with Server(fault=lambda request: time.sleep(30)) as server:
        fails(run("aws", AWS_EC2_METADATA_SERVICE_ENDPOINT=server.url, AWS_METADATA_SERVICE_TIMEOUT="0.5"), 3,
              "the metadata of the instance: ", "hop limit")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = "http://127.0.0.1:%d" % listener.getsockname()[1]
    fails(run("aws", AWS_EC2_METADATA_SERVICE_ENDPOINT=url), 3, "the metadata of the instance: ", "hop limit")


def test_switched_off(run):
    with Server() as server:
        fails(run("aws", AWS_EC2_METADATA_SERVICE_ENDPOINT=server.url, AWS_EC2_METADATA_DISABLED="true"), 3, "switched off")
        assert server.log == []


# ---- containers ---------------------------------------------------------------------------------


def test_container(run, tmp_path):
    (tmp_path / "token").write_text(CONTAINER_TOKEN + "\n")
    with Server() as server:
        url = server.url + "/container?x=y"
        check_aws(run("aws", AWS_CONTAINER_CREDENTIALS_FULL_URI=url, AWS_CONTAINER_AUTHORIZATION_TOKEN=CONTAINER_TOKEN))
        check_aws(run("aws", AWS_CONTAINER_CREDENTIALS_FULL_URI=url, AWS_CONTAINER_AUTHORIZATION_TOKEN="other",
                      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=tmp_path / "token"))
        assert server.paths == ["GET /container?x=y 200"] * 2


def test_container_refuses(run):
    with Server() as server:
        result = run("aws", AWS_CONTAINER_CREDENTIALS_FULL_URI=server.url + "/container", AWS_CONTAINER_AUTHORIZATION_TOKEN="SECRETwrong")
        fails(result, 3, "the credentials of the container: HTTP 401, Unauthorized: wrong token")


def test_container_repeats_its_token(run):
    fault = lambda request: (400, {}, {"code": "x", "message": "not " + request.headers["authorization"]})  # noqa: E731
    with Server(fault=fault) as server:
        result = run("aws", AWS_CONTAINER_CREDENTIALS_FULL_URI=server.url + "/container", AWS_CONTAINER_AUTHORIZATION_TOKEN=CONTAINER_TOKEN)
        fails(result, 3, "the credentials of the container: HTTP 400\n")


# ---- STS ----------------------------------------------------------------------------------------

CONFIG = """
[profile role]
role_arn = arn:aws:iam::123456789012:role/demo
role_session_name = me
external_id = e&x
source_profile = keys
region = eu-west-3
[profile keys]
aws_access_key_id = AKIA
aws_secret_access_key = SECRETlong
[profile chain]
role_arn = arn:aws:iam::123456789012:role/second
source_profile = role
[profile instance]
role_arn = arn:aws:iam::123456789012:role/demo
credential_source = Ec2InstanceMetadata
[profile web]
role_arn = arn:aws:iam::123456789012:role/demo
web_identity_token_file = {token}
"""


@pytest.fixture
def config(tmp_path):
    (tmp_path / "token").write_text("SECRETjwt.x+y/z\n")
    path = tmp_path / "config"
    path.write_text(CONFIG.format(token=tmp_path / "token"))
    return path


def hmac_of(key, text):
    return hmac.new(key, text.encode(), "sha256").digest()


def check_signature(request, key, secret, region):
    """Recomputed from what came, as STS does."""
    match = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]*)/(\d{8})/([^/]*)/sts/aws4_request, SignedHeaders=(\S+), Signature=(\w+)",
                         request.headers["authorization"])
    assert match and (match[1], match[3]) == (key, region), request.headers
    names = match[4].split(";")
    assert {"host", *(name for name in request.headers if name.startswith("x-amz-"))} <= set(names)
    canonical = "\n".join([request.method, request.path, "", *(f"{name}:{request.headers[name]}" for name in names), "", match[4],
                           hashlib.sha256(request.body.encode()).hexdigest()])
    scope = f"{match[2]}/{region}/sts/aws4_request"
    signed = "\n".join(["AWS4-HMAC-SHA256", request.headers["x-amz-date"], scope, hashlib.sha256(canonical.encode()).hexdigest()])
    signing = f"AWS4{secret}".encode()
    for step in (match[2], region, "sts", "aws4_request"):
        signing = hmac_of(signing, step)
    assert hmac_of(signing, signed).hex() == match[5]
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"


def test_role(run, config):
    with Server() as server:
        check_aws(run("aws", "role", AWS_CONFIG_FILE=config, AWS_ENDPOINT_URL_STS=server.url))
        (request,) = server.log
        assert request.form == {"Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": "arn:aws:iam::123456789012:role/demo",
                                "RoleSessionName": "me", "DurationSeconds": "3600", "ExternalId": "e&x"}
        check_signature(request, "AKIA", "SECRETlong", "eu-west-3")
        assert "x-amz-security-token" not in request.headers


def test_role_of_a_role(run, config):
    with Server() as server:
        check_aws(run("aws", "chain", AWS_CONFIG_FILE=config, AWS_ENDPOINT_URL=server.url, AWS_REGION="us-west-2"))
        first, second = server.log
        check_signature(first, "AKIA", "SECRETlong", "us-west-2")
        check_signature(second, "ASIAX", "SECRETkey/+=", "us-west-2")
        assert second.headers["x-amz-security-token"] == "SECRETsession=="
        assert second.form["RoleArn"].endswith("/second")
        assert second.form["RoleSessionName"].startswith("arecfs-")


def test_role_of_an_instance(run, config):
    with Server() as server:
        check_aws(run("aws", "instance", AWS_CONFIG_FILE=config, AWS_ENDPOINT_URL_STS=server.url,
                      AWS_EC2_METADATA_SERVICE_ENDPOINT=server.url))
        assert server.paths == [*IMDS, "POST / 200"]


def test_web_identity(run, config, tmp_path):
    with Server() as server:
        check_aws(run("aws", AWS_WEB_IDENTITY_TOKEN_FILE=tmp_path / "token", AWS_ROLE_ARN="arn:x", AWS_ENDPOINT_URL_STS=server.url))
        check_aws(run("aws", "web", AWS_CONFIG_FILE=config, AWS_ENDPOINT_URL_STS=server.url))
        for request in server.log:
            assert request.form["Action"] == "AssumeRoleWithWebIdentity"
            assert request.form["WebIdentityToken"] == "SECRETjwt.x+y/z"
            assert "authorization" not in request.headers


def test_sts_refuses(run, config):
    body = ("<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: x is not authorized"
            "</Message></Error></ErrorResponse>")
    with Server(fault=lambda request: (403, {}, body)) as server:
        fails(run("aws", "role", AWS_CONFIG_FILE=config, AWS_ENDPOINT_URL_STS=server.url), 3,
              "profile role: AWS STS: HTTP 403, AccessDenied: User: x is not authorized\n")
        assert len(server.log) == 1


@pytest.mark.parametrize("answer", ["SECRETbody", "<a/>", "<a>" * 100, "<AssumeRoleResponse>SECRETbody"])
def test_sts_says_something_else(run, config, answer):
    with Server(fault=lambda request: (200, {}, answer)) as server:
        fails(run("aws", "role", AWS_CONFIG_FILE=config, AWS_ENDPOINT_URL_STS=server.url), 5, "profile role: AWS STS: the answer ")


# ---- Google -------------------------------------------------------------------------------------


def user_file(tmp_path, url, **more):
    path = tmp_path / "user.json"
    path.write_text(json.dumps({"type": "authorized_user", "client_id": "id", "client_secret": "SECRETclient",
                                "refresh_token": "SECRET1//0x&=", "token_uri": url + "/token", **more}))
    return path


def test_metadata_server(run):
    with Server() as server:
        check_google(run("gcs", GCE_METADATA_HOST=server.host))
        assert server.paths == ["GET /computeMetadata/v1/instance/service-accounts/default/token 200"]


def test_another_metadata_server(run):
    """Who does not say that it is Google's is not asked further: its token is not used."""
    fault = lambda request: (200, {}, {"access_token": "SECRETother", "expires_in": 1})  # noqa: E731
    with Server(fault=fault) as server:
        fails(run("gcs", GCE_METADATA_HOST=server.host), 3, "no credentials of Google Cloud were found",
              "the metadata server 127.0.0.1:", "the answer is not from such a server")


def test_user(run, tmp_path):
    with Server() as server:
        path = user_file(tmp_path, server.url, quota_project_id="payer")
        check_google(run("gcs", GOOGLE_APPLICATION_CREDENTIALS=path), "payer")
        path.rename(tmp_path / "application_default_credentials.json")
        check_google(run("gcs", CLOUDSDK_CONFIG=tmp_path), "payer")
        for request in server.log:
            assert request.form == {"grant_type": "refresh_token", "client_id": "id", "client_secret": "SECRETclient",
                                    "refresh_token": "SECRET1//0x&="}
            assert request.headers["content-type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize("said", ["{refresh_token}", "x {client_secret} y", "{body}"])
def test_token_uri_repeats_what_it_got(run, tmp_path, said):
    def fault(request):
        text = said.format(**request.form, body=request.body)
        return 400, {}, {"error": "invalid_grant", "error_description": text}

    with Server(fault=fault) as server:
        path = user_file(tmp_path, server.url)
        fails(run("gcs", GOOGLE_APPLICATION_CREDENTIALS=path), 3, f"{path} (asking 127.0.0.1): HTTP 400\n")


def test_refresh_token_is_too_old(run, tmp_path):
    answer = {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
    with Server(fault=lambda request: (400, {}, answer)) as server:
        path = user_file(tmp_path, server.url)
        fails(run("gcs", GOOGLE_APPLICATION_CREDENTIALS=path), 3,
              f"{path} (asking 127.0.0.1): HTTP 400, invalid_grant: Token has been expired or revoked.\n")
        assert len(server.log) == 1


def part(text):
    return base64.urlsafe_b64decode(text + "==")


def test_service_account(run, tmp_path):
    """The assertion is checked by openssl with the public key."""
    key, public = tmp_path / "key", tmp_path / "public"
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-out", key], check=True, stderr=subprocess.DEVNULL)
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", public], check=True)
    with Server() as server:
        path = tmp_path / "account.json"
        path.write_text(json.dumps({"type": "service_account", "client_email": "a@b.iam.gserviceaccount.com", "private_key_id": "k",
                                    "private_key": key.read_text(), "token_uri": server.url + "/token", "quota_project_id": "p"}))
        result = run("gcs", GOOGLE_APPLICATION_CREDENTIALS=path)
        if result[0] == 6 and "this build is without" in result[2]:
            pytest.skip("built without libcrypto")
        check_google(result, "p")
        form = server.log[0].form
    assert form.keys() == {"grant_type", "assertion"}
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    head, claims, signature = form["assertion"].split(".")
    assert json.loads(part(head)) == {"alg": "RS256", "typ": "JWT", "kid": "k"}
    claims_of = json.loads(part(claims))
    assert claims_of["exp"] == claims_of["iat"] + 3600 and abs(claims_of["iat"] - time.time()) < 1000
    assert claims_of["iss"] == "a@b.iam.gserviceaccount.com" and claims_of["aud"] == server.url + "/token"
    assert claims_of["scope"] == "https://www.googleapis.com/auth/devstorage.read_only"
    (tmp_path / "signature").write_bytes(part(signature))
    (tmp_path / "signed").write_text(f"{head}.{claims}")
    subprocess.run(["openssl", "dgst", "-sha256", "-verify", public, "-signature", tmp_path / "signature", tmp_path / "signed"],
                   check=True, stdout=subprocess.DEVNULL)


# ---- servers that do what they should not -------------------------------------------------------


def sources(server, tmp_path, config):
    """Each way to credentials: arguments and variables."""
    return {
        "instance": (("aws",), {"AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url}),
        "container": (("aws",), {"AWS_CONTAINER_CREDENTIALS_FULL_URI": server.url + "/container",
                                 "AWS_CONTAINER_AUTHORIZATION_TOKEN": CONTAINER_TOKEN}),
        "role": (("aws", "role"), {"AWS_CONFIG_FILE": config, "AWS_ENDPOINT_URL_STS": server.url}),
        "metadata": (("gcs",), {"GCE_METADATA_HOST": server.host}),
        "user": (("gcs",), {"GOOGLE_APPLICATION_CREDENTIALS": user_file(tmp_path, server.url)}),
    }


SOURCES = ["instance", "container", "role", "metadata", "user"]


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("answer", [REDIRECT, (200, {}, b"x" * (1 << 20) + b"x"), (200, {"X": "y" * 70000}, ""),
                                    (200, {}, b"\0" * 100), (200, {}, "[" * 2000), (200, {}, "")],
                         ids=["redirect", "body", "head", "zeros", "deep", "empty"])
def test_hostile_answers(run, tmp_path, config, name, answer):
    with Server(fault=lambda request: answer) as server:
        args, variables = sources(server, tmp_path, config)[name]
        code, out, err = run(*args, **variables)
        assert code in (1, 3, 5) and out == "" and err.count("\n") == 1, (code, out, err)
        assert "/elsewhere" not in "".join(server.paths)


@pytest.mark.parametrize("name", SOURCES)
def test_proxies(run, tmp_path, config, name):
    """Nothing on loopback, and no metadata, goes through a proxy."""
    with Server() as server, Server() as proxy:
        args, variables = sources(server, tmp_path, config)[name]
        code, _, err = run(*args, http_proxy=proxy.url, https_proxy=proxy.url, all_proxy=proxy.url, **variables)
        assert (code, err) == (0, "")
        assert proxy.log == []


def test_link_local_servers_are_refused(run, tmp_path, config):
    """A token_uri or STS there would be a way to the metadata; neither by name nor by a proxy."""
    with Server() as proxy:
        path = user_file(tmp_path, "https://169.254.169.254")
        fails(run("gcs", GOOGLE_APPLICATION_CREDENTIALS=path, https_proxy=proxy.url), 3, "link-local")
        fails(run("aws", "role", AWS_CONFIG_FILE=config, AWS_ENDPOINT_URL_STS="http://169.254.170.2", http_proxy=proxy.url), 3,
              "profile role: AWS STS: its address is link-local")
        assert proxy.log == []


# ---- at their real addresses --------------------------------------------------------------------


def needs_namespaces():
    if os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("ip"):
        pytest.skip("a namespace needs root, unshare and ip")
    if subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode != 0:
        pytest.skip("network namespaces cannot be made")


@pytest.fixture
def namespace():
    """The prefix of commands in a network namespace whose loopback has the addresses of the clouds, where the stand-ins
    listen."""
    needs_namespaces()
    script = ("ip link set lo up && ip addr add 169.254.169.254/32 dev lo && ip addr add 169.254.170.2/32 dev lo &&"
              ' exec "$@" 169.254.169.254:80 169.254.170.2:80')
    server = subprocess.Popen(["unshare", "--net", "sh", "-c", script, "sh", sys.executable,
                               Path(__file__).with_name("credentials_server.py")],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        if server.stdout.readline() != "ready\n":
            pytest.skip("loopback of a namespace cannot be set up")
        yield ["nsenter", f"--net=/proc/{server.pid}/ns/net"]
    finally:
        server.stdin.close()
        server.stdout.close()
        server.wait(timeout=60)


def test_real_addresses(run, namespace):
    """The proxy would be asked in vain: nobody listens there."""
    proxies = {"http_proxy": "http://127.0.0.1:1", "all_proxy": "http://127.0.0.1:1"}
    check_aws(run("aws", command=namespace, **proxies))
    check_aws(run("aws", command=namespace, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI="/container",
                  AWS_CONTAINER_AUTHORIZATION_TOKEN=CONTAINER_TOKEN, **proxies))
    check_google(run("gcs", command=namespace, GCE_METADATA_HOST="169.254.169.254", **proxies))
    # A SOURCE, or STS, there is refused no less.
    fails(run("aws", command=namespace, AWS_WEB_IDENTITY_TOKEN_FILE="/dev/null", AWS_ROLE_ARN="x",
              AWS_ENDPOINT_URL_STS="http://169.254.169.254"), 3, "its address is link-local")


def test_no_network(run):
    """Where nothing answers, all places are named in order."""
    needs_namespaces()
    result = run("aws", command=["unshare", "--net"])
    fails(result, 3, "no credentials of AWS were found; they were looked for in this order: AWS_ACCESS_KEY_ID: not set; ")
    fails(run("gcs", command=["unshare", "--net"]), 3, "the metadata server metadata.google.internal: ")
