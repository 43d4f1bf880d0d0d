"""Documents about jobs: asking for work, following it, stopping it."""

JOB_FIELDS = """
  id kind modelId status attempt stage cancelRequested requestedAt requestedBy startedAt finishedAt
  notBefore position changed waitingFor
  failure { code message fault retryable }
"""

OPTIMIZE = f"""
mutation ModelOptimize($modelId: ID!, $input: OptimizeInput!, $key: String) {{
  modelOptimize(modelId: $modelId, input: $input, idempotencyKey: $key) {{
    job {{ {JOB_FIELDS} }} eventPosition userErrors {{ field message code }}
  }}
}}"""

PASSES = """
query Passes { optimizationPasses {
  name what format needs settings calibration evidence } }"""

BENCHMARK = f"""
mutation ModelBenchmark($modelId: ID!, $input: BenchmarkInput!, $key: String) {{
  modelBenchmark(modelId: $modelId, input: $input, idempotencyKey: $key) {{
    job {{ {JOB_FIELDS} }} eventPosition userErrors {{ field message code }}
  }}
}}"""

CANCEL = f"""
mutation JobCancel($jobId: ID!) {{
  jobCancel(jobId: $jobId) {{
    job {{ {JOB_FIELDS} }} eventPosition userErrors {{ field message code }}
  }}
}}"""

SHOW = f"""
query JobShow($id: ID!, $asOf: Moment, $waitFor: BigInt) {{
  job(id: $id, asOf: $asOf, waitFor: $waitFor) {{ {JOB_FIELDS} input result }}
}}"""

LIST = f"""
query JobList($first: Int!, $modelId: ID, $status: JobStatus, $kind: String, $asOf: Moment,
              $waitFor: BigInt) {{
  jobs(first: $first, modelId: $modelId, status: $status, kind: $kind, asOf: $asOf,
       waitFor: $waitFor) {{
    edges {{ node {{ {JOB_FIELDS} }} }}
  }}
}}"""

PROGRESS = """
subscription JobProgress($jobId: ID!, $after: BigInt) {
  jobProgressed(jobId: $jobId, after: $after) {
    jobId status attempt stage percent message position
  }
}"""
