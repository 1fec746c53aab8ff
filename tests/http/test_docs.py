from __future__ import annotations

import re

from werkzeug.test import TestResponse

from tests.things import client


def get(path: str, headers: dict[str, str] | None = None) -> TestResponse:
    return client().get(path, headers=headers, buffered=True)


def test_the_page_and_all_it_loads_come_from_here() -> None:
    page = get("/docs")
    assert (page.status_code, page.mimetype) == (200, "text/html")
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert {"docs/swagger-ui.css", "docs/swagger-ui-bundle.js", "docs/start.js"} <= set(links)
    for link in links:
        # Relative, so that it is right wherever a proxy mounts the application.
        assert not re.match(r"[a-z]+:|/", link)
        found = get(f"/{link}")
        assert found.status_code == 200, link
        assert found.data


def test_the_page_asks_for_the_document_of_this_application_and_for_no_validator() -> None:
    script = get("/docs/start.js")
    assert script.mimetype == "text/javascript"
    assert 'url: "openapi.json"' in script.text
    assert "validatorUrl: null" in script.text
    assert not re.search(r"https?:|//", script.text)


def test_a_browser_may_ask_nobody_else() -> None:
    for path in ("/docs", "/docs/start.js", "/docs/swagger-ui-bundle.js", "/problems/invalid"):
        policy = dict(part.strip().split(" ", 1) for part in get(path).headers["Content-Security-Policy"].split(";"))
        assert policy.pop("img-src") == "'self' data:"
        assert policy["default-src"] == "'none'"
        assert set(policy.values()) == {"'self'", "'none'"}


def test_only_the_files_of_the_page_are_served() -> None:
    for name in ("index.html", "LICENSE", "VERSION", "../__init__.py", "%2e%2e/__init__.py", "swagger-ui.js"):
        assert get(f"/docs/{name}").status_code == 404


def test_a_file_of_the_page_is_kept_by_the_browser() -> None:
    first = get("/docs/swagger-ui-bundle.js")
    assert "max-age=86400" in first.headers["Cache-Control"]
    again = get("/docs/swagger-ui-bundle.js", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
