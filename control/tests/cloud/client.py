"""The life of an application through PyPI's cloudfoundry-client: argv is API, user, password, zip file, app name."""

import base64
import sys
import time

from cloudfoundry_client.client import CloudFoundryClient
from cloudfoundry_client.errors import InvalidStatusCode
from cloudfoundry_client.v3.packages import PackageType

API, USER, PASSWORD, ARCHIVE, NAME = sys.argv[1:6]


def eventually(what, ask, seconds=120):
    """Asks until there is an answer."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        answer = ask()
        if answer:
            return answer
        time.sleep(0.2)
    raise SystemExit(f"no {what} within {seconds} s")


def log_in():
    client = CloudFoundryClient(API, proxy={"http": "", "https": ""})
    client.init_with_user_credentials(USER, PASSWORD)
    return client


def place(client):
    org = client.v3.organizations.create("python", False)
    assert client.v3.organizations.get_first(names="python")["guid"] == org["guid"]
    space = client.v3.spaces.create("client", org["guid"])
    found = [s["guid"] for s in client.v3.spaces.list(organization_guids=org["guid"])]
    assert found == [space["guid"]], found
    return org, space


def create_app(client, space):
    document = {"name": NAME, "relationships": {"space": {"data": {"guid": space["guid"]}}}}
    app = client.post(f"{API}/v3/apps", json=document).json()
    assert [a["guid"] for a in client.v3.apps.list(names=NAME)] == [app["guid"]]
    return app


def stage(client, app):
    package = client.v3.packages.create(app["guid"], PackageType.BITS)
    with open(ARCHIVE, "rb") as bits:
        files = {"bits": ("package.zip", bits, "application/zip")}
        client.post(f"{API}/v3/packages/{package['guid']}/upload", files=files)
    eventually("package", lambda: client.v3.packages.get(package["guid"])["state"] == "READY")
    document = {"package": {"guid": package["guid"]}}
    build = client.post(f"{API}/v3/builds", json=document).json()

    def staged():
        now = client.get(f"{API}/v3/builds/{build['guid']}").json()
        assert now["state"] != "FAILED", now["error"]
        return now["droplet"] if now["state"] == "STAGED" else None

    droplet = eventually("droplet", staged)
    assert client.v3.droplets.get(droplet["guid"])["state"] == "STAGED"
    return droplet


def run(client, app, space, droplet):
    url = f"{API}/v3/apps/{app['guid']}"
    client.patch(f"{url}/relationships/current_droplet", json={"data": {"guid": droplet["guid"]}})
    domain = client.v3.domains.get_first(names="localhost")
    route = client.v3.routes.create(space["guid"], domain["guid"], host=NAME)
    destination = {"destinations": [{"app": {"guid": app["guid"]}}]}
    client.post(f"{API}/v3/routes/{route['guid']}/destinations", json=destination)
    client.post(f"{url}/actions/start")
    running(client, app, 1)
    client.post(f"{url}/processes/web/actions/scale", json={"instances": 2})
    running(client, app, 2)
    return route


def running(client, app, count):
    process = client.get(f"{API}/v3/apps/{app['guid']}/processes/web").json()

    def all_run():
        stats = client.get(f"{API}/v3/processes/{process['guid']}/stats").json()["resources"]
        return len(stats) == count and all(one["state"] == "RUNNING" for one in stats)

    eventually(f"{count} running instances", all_run)


def read_logs(client, app):
    base = client.get(f"{API}/").json()["links"]["log_cache"]["href"].rstrip("/")

    def lines():
        url = f"{base}/api/v1/read/{app['guid']}?start_time=0&limit=1000"
        batch = client.get(url).json()["envelopes"]["batch"]
        stamps = [int(one["timestamp"]) for one in batch]
        assert stamps == sorted(set(stamps)), "timestamps are not unique and rising"
        return [base64.b64decode(one["log"]["payload"]).decode() for one in batch]

    return eventually("log lines", lines)


def delete(client, app, route, org):
    client.v3.apps.remove(app["guid"], asynchronous=False)
    client.v3.routes.remove(route["guid"])
    try:
        client.v3.apps.get(app["guid"])
    except InvalidStatusCode as gone:
        assert gone.status_code == 404, gone
    else:
        raise SystemExit("the application is still there")
    client.v3.organizations.remove(org["guid"], asynchronous=False)


def main():
    client = log_in()
    org, space = place(client)
    app = create_app(client, space)
    droplet = stage(client, app)
    route = run(client, app, space, droplet)
    print("served", flush=True)
    sys.stdin.readline()
    for line in read_logs(client, app):
        print("log", line)
    delete(client, app, route, org)
    print("deleted", flush=True)


main()
