"""`Endpoint` for everything: above a function, with routes, and as a client of an endpoint that is there."""

import asyncio

from flash_jupyter import Endpoint

FACTOR = 3
api = Endpoint(name="shop", cpu="cpu3c-1-2", workers=(0, 3))


@Endpoint(name="scaler", cpu="cpu3c-1-2", workers=2)
async def scale(values: list) -> list:
    return [FACTOR * value for value in values]


@api.post("/price")
async def price(item: str, count: int = 1) -> dict:
    return {"item": item, "price": FACTOR * count}


@api.get("/alive")
def alive() -> dict:
    return {"status": "healthy"}


async def main():
    print((await scale([1, 2])).output)
    print(await price("tea", count=2), await alive())
    try:
        await Endpoint(id="nothing").run({"prompt": "tea"})
    except Exception as error:
        print(type(error).__name__)


if __name__ == "__main__":
    asyncio.run(main())
