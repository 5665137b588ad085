"""The sample app's function on a CPU, as `flash init` of runpod-flash 1.21.0 lays it out."""

from runpod_flash import CpuInstanceType, CpuLiveServerless, remote

config = CpuLiveServerless(name="cpu_worker", instanceIds=[CpuInstanceType.CPU3C_2_4], workersMax=1)


@remote(resource_config=config)
async def cpu_hello(input_data: dict) -> dict:
    import platform

    return {"message": input_data.get("message", "hello from a CPU"), "platform": platform.system()}
