"""The sample app's routes, behind a load balancer that always has a worker."""

from runpod_flash import CpuInstanceType, CpuLiveLoadBalancer, remote

config = CpuLiveLoadBalancer(name="lb_worker", instanceIds=[CpuInstanceType.CPU3C_2_4], workersMin=1, workersMax=3)


@remote(resource_config=config, method="POST", path="/process")
async def process(input_data: dict) -> dict:
    return {"status": "success", "echo": input_data}


@remote(resource_config=config, method="GET", path="/about")
async def about() -> dict:
    return {"status": "healthy"}
