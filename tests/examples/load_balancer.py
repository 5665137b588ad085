"""HTTP routes on a load-balanced endpoint: plain dictionaries come back, no JobOutput."""

import asyncio

from flash_jupyter import CpuLiveLoadBalancer, remote

api = CpuLiveLoadBalancer(name="api-service")


@remote(api, method="POST", path="/api/add")
async def add(x: int, y: int):
    return {"result": x + y}


@remote(api, method="GET", path="/api/health")
def health():
    return {"status": "ok"}


async def main():
    print(await add(2, 3), await health())


if __name__ == "__main__":
    asyncio.run(main())
