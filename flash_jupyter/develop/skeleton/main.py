"""The web API of example-project; its work is done by functions on Runpod, or on the embedded one of this machine.

python main.py    call them once, without a server
flash run         serve this app and a route for each function, with an explorer at /docs
"""

from __future__ import annotations

import asyncio

from fastapi import FastAPI

from workers.cpu import split
from workers.gpu import score

app = FastAPI(title="example-project")


@app.get("/")
def index() -> dict[str, str]:
    """Say where the explorer is."""
    return {"name": "example-project", "explorer": "/docs"}


@app.post("/rate")
async def rate(text: str) -> dict[str, float]:
    """Rate each sentence of a text: a CPU endpoint splits it, a GPU endpoint scores what comes out."""
    sentences = (await split(text)).result()
    scores = (await score(sentences)).result()
    return dict(zip(sentences, scores, strict=True))


async def main() -> None:
    """Call the functions as the API does."""
    for sentence, points in (await rate("A great day. The coffee was awful.")).items():
        print(f"{points:+.1f}  {sentence}")


if __name__ == "__main__":
    asyncio.run(main())
