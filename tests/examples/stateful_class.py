"""A class lives on in its worker: the constructor runs once, later calls find its state."""

import asyncio

from flash_jupyter import CpuLiveServerless, remote


@remote(resource_config=CpuLiveServerless(name="counter"))
class Counter:
    def __init__(self, start):
        self.value = start

    def add(self, n):
        self.value += n
        return self.value


async def main():
    counter = Counter(10)
    print((await counter.add(1)).output, (await counter.add(5)).output)


if __name__ == "__main__":
    asyncio.run(main())
