"""One remote function, awaited: the smallest script in the published style."""

import asyncio

from flash_jupyter import LiveServerless, remote

config = LiveServerless(name="first-worker")


@remote(resource_config=config, dependencies=["numpy"])
async def summarise(values):
    import numpy as np

    array = np.asarray(values, dtype=float)
    return {"mean": float(array.mean()), "n": int(array.size)}


async def main():
    job = await summarise([1, 2, 3, 4, 5])
    print(job.status, job.output["mean"], job.error)


if __name__ == "__main__":
    asyncio.run(main())
