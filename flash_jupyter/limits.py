"""Facts about the platform and our own defaults: bytes, seconds, counts.

Each number stands here once, with its unit in the name and, for the platform's, the page that says so (Runpod docs,
read 2026-08-20). No other module holds a literal of this kind.
"""

from __future__ import annotations

MB = 1_000_000
MIB = 1 << 20

# --- data plane: serverless/endpoints/operation-reference and send-requests -------------------------------------
RUN_PAYLOAD_BYTES = 10 * MIB
RUNSYNC_PAYLOAD_BYTES = 20 * MIB
#: a worker's result; larger ones answer 400 to `job-done` (runpod-workers/worker-comfyui issue 167)
RESULT_BYTES = 20 * MIB
STREAM_CHUNK_BYTES = 1 * MIB
RUN_RETENTION_S = 30 * 60.0
RUNSYNC_RETENTION_S = 60.0
RUNSYNC_WAIT_DEFAULT_S = 90.0
RUNSYNC_WAIT_MIN_S = 1.0
RUNSYNC_WAIT_MAX_S = 300.0
EXECUTION_TIMEOUT_MIN_S = 5.0
EXECUTION_TIMEOUT_MAX_S = 7 * 86_400.0
JOB_TTL_DEFAULT_S = 86_400.0
JOB_TTL_MIN_S = 10.0
JOB_TTL_MAX_S = 7 * 86_400.0
#: route -> requests in ten seconds (rate table of the operation reference)
RATE_PER_10_S = {
    "run": 1000,
    "runsync": 2000,
    "status": 2000,
    "stream": 2000,
    "cancel": 100,
    "purge-queue": 2,
    "requests": 10,
}
#: route -> requests at the same time (the same table)
CONCURRENT_REQUESTS = {"run": 200, "runsync": 400, "status": 400, "stream": 400, "cancel": 20, "requests": 2}
#: a webhook is tried so often, with a pause between (send-requests); its time limit is not documented
WEBHOOK_TRIES = 3
WEBHOOK_PAUSE_S = 10.0
WEBHOOK_TIMEOUT_S = 10.0

# --- load balancing endpoints: serverless/load-balancing/overview and worker-affinity -------------------------------
#: a request's body, and an answer's
BALANCER_PAYLOAD_BYTES = 30 * MIB
#: how long a request waits for a worker that has room
BALANCER_WAIT_S = 120.0
#: the same for one that accepts only one worker
BALANCER_STRICT_WAIT_S = 300.0
#: from the worker's choice to the end of its answer
BALANCER_PROCESSING_S = 330.0
#: how long a worker lives whose health check does not succeed
BALANCER_UNHEALTHY_S = 480.0

# --- control plane: REST v2 document, `RateLimit-Policy` -----------------------------------------------------------
CONTROL_RATE_PER_MINUTE = 60
CONTROL_RATE_PER_HOUR = 3_000
CONTROL_RATE_PER_DAY = 50_000
ENDPOINT_TIMEOUT_DEFAULT_MS = 300_000
IDLE_TIMEOUT_MIN_S = 1
IDLE_TIMEOUT_MAX_S = 3_600
IDLE_TIMEOUT_DEFAULT_S = 5
WORKERS_MAX_DEFAULT = 3
QUEUE_DELAY_DEFAULT_S = 4.0
#: BaseCpuConfig; `saveEndpoint` of GraphQL makes workers with one, too
CPU_VCPUS_MIN = 2
QUEUE_DELAY_MIN_S = 0.5
#: container disk of a CPU worker, at most (docs, serverless/storage; flash-wire reference 5.5)
CPU_DISK_GB_PER_VCPU = {"cpu3g": 10, "cpu3c": 10, "cpu5c": 15}
#: CreateNetworkVolumeRequest
VOLUME_SIZE_MIN_GB = 10
VOLUME_SIZE_MAX_GB = 4_096
#: USD for a GB and month of a network volume: up to the first so many GB, and beyond (docs, serverless/storage)
VOLUME_USD_PER_GB_MONTH = 0.07
VOLUME_USD_PER_GB_MONTH_BEYOND = 0.05
VOLUME_FIRST_TIER_GB = 1_000
LOG_TAIL_DEFAULT = 100
LOG_TAIL_MAX = 5_000
#: BillingStartTime: a bill goes back so far
BILLING_DEFAULT_S = 30 * 86_400.0

# --- flash apps (flash-wire.md 6.4; runpod-platform.md, `rp flash deploy`); the URLs' time is our own ---------------
ARTIFACT_BYTES = 1_500 * MIB
#: the published description's limit of a bundle, and runpod-flash 1.0.0's (flash-wire.md 6.4)
BUNDLE_BYTES = 500_000_000
UPLOAD_URL_S = 3_600.0
DOWNLOAD_URL_S = 3_600.0
#: the released client polls for so long
LOGIN_S = 600.0

# --- worker protocol: runpod SDK 1.12 and 2.0.0rc2 -----------------------------------------------------------------
TAKE_HOLD_S = 20.0
PING_INTERVAL_MS = 10_000

# --- our defaults ---------------------------------------------------------------------------------------------------
#: of a live endpoint, so that the second cell of a session finds its worker
OUR_IDLE_TIMEOUT_S = 60
OUR_WORKERS_MAX = 3
#: of an `Endpoint` without workers=, as runpod-flash 1.21 makes it (its core/resources/constants.py, read 2026-11-22)
RELEASED_WORKERS_MAX = 1
OUR_EXECUTION_TIMEOUT_S = 600.0
#: after this long an endpoint without a job is an orphan (D11), and what may be chosen instead
OUR_TTL_S = 86_400
#: answers and logs of jobs that are over: for so long, and together so much
OUR_KEEP_S = 30 * 86_400
OUR_KEEP_BYTES = 2_000.0 * MB
TTL_MIN_S = 60
TTL_MAX_S = 365 * 86_400
#: container disk of a GPU worker: what the released clients ask for (flash-wire reference 1.3)
OUR_GPU_DISK_GB = 64
OUR_VOLUME_SIZE_GB = 100
#: requests a worker that are in work at once, where that is what scales
OUR_REQUEST_COUNT = 4
#: of an endpoint with classes, whose instances live only as long as their worker
OUR_CLASS_IDLE_TIMEOUT_S = 300
#: calls that `.map` has on their way at once
MAP_CONCURRENCY = 32
#: after a cancel: what the user's code gets for its `finally` blocks before its process is ended
CANCEL_GRACE_S = 2.0
#: a job that is queued for longer is told why
WAITING_AFTER_S = 10.0
#: a queued job is given up when its endpoint's workers have been unhealthy for so long, and none became healthy
GIVE_UP_UNHEALTHY_S = 60.0
#: of a load balancing endpoint's workers; the platform's own interval is not documented
HEALTH_CHECK_INTERVAL_S = 2.0
#: larger request and job bodies are files beside the emulator's database
INLINE_BODY_BYTES = 64 * 1024
#: the embedded Runpod ends itself after this long without an open job or a request that is not a poll
EMULATOR_IDLE_S = 30 * 60.0
#: what a cell reads is packed to see whether it fits into a request; beyond this it can't, and is not tried
PACK_BYTES = 256 * MB
#: what a notebook keeps of one cell's text output; the rest is in the log file
SAVED_OUTPUT_BYTES = 1 * MB
