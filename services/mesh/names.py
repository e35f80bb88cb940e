"""Every name that telemetry uses, so that they can be read in a minute.

Values are ids, labels, counts and hashes. Words of customers are never an attribute.
"""

# Span attributes. `rpc.*` and `gen_ai.*` are OpenTelemetry semantic conventions, `kefu.*` ours.
RPC_SYSTEM = "rpc.system"
RPC_SERVICE = "rpc.service"
RPC_METHOD = "rpc.method"
RPC_STATUS = "rpc.grpc.status_code"
PEER_IDENTITY = "kefu.peer.identity"
ERROR_REASON = "kefu.error.reason"
TENANT = "kefu.tenant"
TURN = "kefu.turn"
INTENT = "kefu.intent"
MATCH_TYPE = "kefu.match.type"
REPLY_MODE = "kefu.reply.mode"
DEGRADED = "kefu.degraded"
GEN_AI_OPERATION = "gen_ai.operation.name"
GEN_AI_PROVIDER = "gen_ai.provider.name"
GEN_AI_MODEL = "gen_ai.request.model"
GEN_AI_INPUT_TOKENS = "gen_ai.usage.input_tokens"
GEN_AI_OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
GEN_AI_FINISH = "gen_ai.response.finish_reasons"

# Metadata keys on the wire.
TRACE_ID_KEY = "kefu-trace-id"
END_USER_KEY = "kefu-end-user"

# Prometheus metrics.
CALLS = "kefu_rpc_server_calls"
LATENCY = "kefu_rpc_server_latency_seconds"
IN_FLIGHT = "kefu_rpc_server_in_flight"
AUDIT_SPOOLED = "kefu_audit_spooled_events"
AUDIT_BACKLOG = "kefu_audit_backlog_bytes"
POLICY_RELOADS = "kefu_policy_reloads"
FAQ_CACHE = "kefu_faq_cache_lookups"
TURNS = "kefu_session_turns"
TURN_LATENCY = "kefu_session_turn_seconds"
ESCALATIONS = "kefu_session_escalations"
TOKENS = "kefu_generation_tokens"
ANSWERS = "kefu_generation_answers"
EMBEDDINGS = "kefu_generation_embeddings"
INTENT_ACCURACY = "kefu_intent_accuracy"
INTENT_CLASSIFICATIONS = "kefu_intent_classifications"
INTENT_CHOICES = "kefu_intent_provider_choices"
INTENT_TRAININGS = "kefu_intent_trainings"
INTENT_UNREADABLE = "kefu_intent_models_unreadable"
UNCERTAIN_DROPPED = "kefu_intent_uncertain_dropped"
