"""The sample app's function on a GPU: any card, three workers at most."""

from runpod_flash import GpuGroup, LiveServerless, remote

config = LiveServerless(name="gpu_worker", gpus=[GpuGroup.ANY], workersMax=3)


@remote(resource_config=config)
async def gpu_hello(input_data: dict) -> dict:
    return {"message": input_data.get("message", "hello from a GPU"), "words": sorted(input_data)}
