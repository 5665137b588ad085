"""Listings are pure: rows as `--json` prints them become a table for people, as text and as HTML."""

from __future__ import annotations

from datetime import datetime, timezone

from listed import endpoint, job

from flash_jupyter.views.listing import endpoints_sheet, jobs_sheet, volumes_sheet
from flash_jupyter.views.sheet import STYLE, sheet_bundle, sheet_text

NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)


def test_endpoints_as_text() -> None:
    asleep = endpoint(
        name="embedder",
        state="asleep",
        workers="0",
        jobs="0",
        usd_per_hour=None,
        notebook="",
        whose="others",
        owner="",
        expires_at="",
        created_at="2026-11-19T10:00:00Z",
    )
    assert sheet_text(endpoints_sheet([endpoint(), asleep], NOW)) == (
        "endpoint  state    hardware  workers            queue                a worker  age     notebook     whose\n"
        "trainer   running  ADA_24    1 running, 1 idle  2 queued, 1 running  $1.12/h   2 h     train.ipynb  yours\n"
        "embedder  asleep   ADA_24                                                      3 days               not ours"
    )


def test_endpoints_as_html() -> None:
    sheet = endpoints_sheet([endpoint(name="<b>", workers=None, jobs=None, usd_per_hour=None)], NOW)
    assert sheet_bundle(sheet)["text/html"] == (
        f'{STYLE}<div><div class="flash-list"><table><thead><tr><th>endpoint</th><th>state</th><th>hardware</th>'
        '<th class="n">age</th><th>notebook</th><th>whose</th></tr></thead><tbody><tr>'
        '<td title="&lt;b&gt; · ep1">&lt;b&gt;</td><td title="running"><span style="color:var(--jp-brand-color1, '
        'currentColor);opacity:1">●</span> running</td><td title="ADA_24">ADA_24</td>'
        '<td class="n" title="2 h · 2026-11-22T10:00:00Z">2 h</td>'
        '<td title="train.ipynb · work/train.ipynb">train.ipynb</td>'
        '<td title="yours · expires 2026-11-23T10:00:00Z">yours</td></tr></tbody></table></div></div>'
    )


def test_jobs_as_text() -> None:
    waiting = job(id="fj-2", state="IN_QUEUE", finished_at=None, cost_usd=None, notebook=None, name=None)
    assert sheet_text(jobs_sheet([waiting, job()], NOW)) == (
        "job   state      endpoint  what         sent     took        cost\n"
        "fj-2  IN_QUEUE                          1 h ago\n"
        "fj-1  COMPLETED  trainer   train.ipynb  1 h ago  3 min 20 s  $0.0142"
    )


def test_volumes_with_what_they_cost() -> None:
    models = {"name": "models", "id": "v1", "size_gb": 2000, "data_center": "EU-RO-1", "usd_per_month": 120.0}
    data = {"name": "data", "id": "v2", "size_gb": 10, "data_center": "US-KS-2", "usd_per_month": 0.7}
    volumes = [{**data, "used_by": ()}, {**models, "used_by": ("embedder", "trainer")}]
    bundle = sheet_bundle(volumes_sheet(volumes))
    assert bundle["text/plain"] == (
        "volume  size     data centre  a month  used by\n"
        "data    10 GB    US-KS-2      $0.70    nothing\n"
        "models  2000 GB  EU-RO-1      $120.00  embedder, trainer\n"
        "together $120.70 a month, until they are deleted"
    )
    assert bundle["text/html"].endswith(">together <span>$</span>120.70 a month, until they are deleted</div></div>")
    assert "together" not in sheet_text(volumes_sheet(volumes[:1]))


def test_nothing_is_said_where_there_is_nothing() -> None:
    shown = [endpoints_sheet([], NOW), jobs_sheet([], NOW), volumes_sheet([])]
    assert shown == [["no endpoints"], ["no jobs"], ["no network volumes"]]
