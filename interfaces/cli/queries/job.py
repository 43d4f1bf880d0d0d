"""Documents about jobs: asking for work, following it, stopping it."""

JOB_FIELDS = """
  id kind modelId status attempt stage cancelRequested requestedAt requestedBy startedAt finishedAt
  notBefore position changed waitingFor waitingBecause reasons
  failure { code message fault retryable }
"""

OPTIMIZE = f"""
mutation ModelOptimize($modelId: ID!, $input: OptimizeInput!, $key: String) {{
  modelOptimize(modelId: $modelId, input: $input, idempotencyKey: $key) {{
    job {{ {JOB_FIELDS} }} eventPosition userErrors {{ field message code }}
  }}
}}"""

OPTIMIZE_MANY = f"""
mutation ModelsOptimize($modelIds: [ID!]!, $input: OptimizeInput!, $key: String) {{
  modelsOptimize(modelIds: $modelIds, input: $input, idempotencyKey: $key) {{
    items {{ modelId job {{ {JOB_FIELDS} }} userErrors {{ field message code }} }}
    eventPosition userErrors {{ field message code }}
  }}
}}"""

RECOMMENDATION = """
query Recommendation($format: ModelFormat!, $bytes: BigInt!, $level: Level!, $profile: ID,
                     $target: ModelFormat) {
  optimizationRecommendation(format: $format, bytes: $bytes, level: $level,
                             deviceProfileId: $profile, target: $target) {
    target passes perChannel reduceRange blockSize maxBytes reasons
  }
}"""

PASSES = """
query Passes { optimizationPasses {
  name what format gives toolchain needs settings calibration evidence hardware } }"""

SCORERS = """
query Scorers { scorers { name what labels settings { name type default what choices } } }"""

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

REPRODUCE = f"""
mutation JobReproduce($jobId: ID!, $key: String) {{
  jobReproduce(jobId: $jobId, idempotencyKey: $key) {{
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
