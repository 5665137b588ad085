"""A small app for `flash deploy` 1.21: a function with a dependency, and a class."""

from runpod_flash import CpuLiveServerless, remote


@remote(resource_config=CpuLiveServerless(name="pricing", env={"CURRENCY": "EUR"}), dependencies=["humanize==4.9.0"])
async def price(amount, discount=0):
    import os

    import humanize

    return f"{humanize.intcomma(amount - discount)} {os.environ['CURRENCY']}"


@remote(resource_config=CpuLiveServerless(name="stock", workersMax=2))
class Stock:
    def __init__(self):
        self.items = {"apple": 3}

    def count(self, item):
        return self.items.get(item, 0)


if __name__ == "__main__":
    import asyncio
    import json

    async def main():
        print(json.dumps(["price", await price(1234567, discount=67)]))
        print(json.dumps(["count", await Stock().count("apple")]))

    asyncio.run(main())
