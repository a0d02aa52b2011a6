/*
 * libmilter's callbacks: hand the arguments and macros to the session and its verdict back to
 * libmilter. Owns the session of each connection. libmilter's workers run them, those of one
 * connection one at a time. t/unit/test_negotiate.c covers the negotiation,
 * t/integration/test_cases_milter.py and t/integration/test_daemon.py the rest.
 */
#include "milter/smtp/callbacks.h"

#include <stdatomic.h>
#include <string.h>

#include "milter/log/log.h"
#include "milter/smtp/callbacks_private.h"
#include "milter/smtp/reply.h"
#include "milter/smtp/session.h"

/*
 * The callbacks get struct shared from this pointer, because libmilter has no argument for it.
 * callbacks_register() sets it before the first callback, and nothing changes it later.
 */
static struct shared *all_shared;
static atomic_ulong opened, closed;

struct callbacks_counts callbacks_count(void)
{
	unsigned long ended =
		atomic_load(&closed); /* read first, so that it is never more than begun */
	unsigned long begun = atomic_load(&opened);

	return (struct callbacks_counts){ .sessions = begun, .sessions_open = begun - ended };
}

static atomic_ulong entered, left;

struct callbacks_progress callbacks_progress(void)
{
	unsigned long ended = atomic_load(&left); /* read first */
	unsigned long begun = atomic_load(&entered);

	return (struct callbacks_progress){ .entered = begun, .left = ended };
}

/* Answer a callback that has no session. No MTA sends a command before it announces a client. */
static sfsistat answer_without_session(void)
{
	struct settings *settings = shared_settings(all_shared);
	sfsistat answer = settings->on_error == ON_ERROR_ACCEPT ? SMFIS_CONTINUE : SMFIS_TEMPFAIL;

	settings_unref(&settings);
	log_event(LOG_LEVEL_ERROR,
		"session lost=yes error=\"no client was announced, or memory ran out\"");
	return answer;
}

static struct session *begin_session(SMFICTX *ctx, const struct needs *needs)
{
	struct session *session = session_new(all_shared, needs);

	if (session == NULL)
		return NULL;
	if (smfi_setpriv(ctx, session) != MI_SUCCESS) {
		session_free(&session);
		return NULL;
	}
	atomic_fetch_add(&opened, 1);
	return session;
}

static void end_session(SMFICTX *ctx)
{
	struct session *session = smfi_getpriv(ctx);

	if (session == NULL)
		return;
	(void)smfi_setpriv(ctx, NULL);
	session_free(&session);
	atomic_fetch_add(&closed, 1);
}

static char *macro_value(SMFICTX *ctx, const char *name)
{
	return smfi_getsymval(ctx, (char *)name);
}

void callbacks_agree(struct needs *needs, unsigned long actions, unsigned long steps,
	unsigned long *actions_r, unsigned long *steps_r)
{
	unsigned long want = SMFIP_NOUNKNOWN | SMFIP_NR_UNKN | SMFIP_NR_HDR;
	const unsigned long for_results = SMFIF_ADDHDRS | SMFIF_CHGHDRS;

	needs->no_results = (actions & for_results) != for_results;
	needs->results = needs->results && !needs->no_results;
	*actions_r = needs->results ? for_results : SMFIF_NONE;
	*actions_r |= actions & SMFIF_SETSYMLIST;

	if (!needs->answer_connect)
		want |= SMFIP_NR_CONN;
	if (!needs->answer_helo)
		want |= SMFIP_NR_HELO;
	if (!needs->answer_rcpt)
		want |= SMFIP_NR_RCPT;
	if (!needs->answer_data)
		want |= SMFIP_NR_DATA;
	/*
	 * The header is judged at the first chunk of the body or, where no body is sent, at the end
	 * of the message. The MTA can then send all fields and the following events in one write,
	 * while an answer to the end of the header would cost another round trip. The event is sent
	 * all the same: without it, libmilter ignores the end of a message that has no fields. With
	 * a body, its macros contain the queue id.
	 */
	want |= needs->headers ? SMFIP_NR_EOH : SMFIP_NOHDRS | SMFIP_NOEOH;
	want |= needs->body ? SMFIP_SKIP | SMFIP_HDR_LEADSPC : SMFIP_NOBODY;
	*steps_r = want & steps;
	needs->answer_data = (*steps_r & SMFIP_NR_DATA) == 0;
	needs->lacks_data = (steps & SMFIP_NODATA) == 0;
	needs->skip = (*steps_r & SMFIP_SKIP) != 0;
	needs->leading_space = (*steps_r & SMFIP_HDR_LEADSPC) != 0;
	needs->answer_eoh = (*steps_r & SMFIP_NR_EOH) == 0;
}

/* Ask for the macros that are read at each stage, so that the MTA need not send others. */
static void ask_macros(SMFICTX *ctx, const struct needs *needs)
{
	static char connect[] = "j v {daemon_name} {client_resolve}";
	static char mail[] = "i {auth_authen} {mail_addr}";
	static char rcpt[] = "i {rcpt_addr}";
	static char queue_id[] = "i";
	static char nothing[] = "{postern_none}"; /* because a list must not be empty */

	(void)smfi_setsymlist(ctx, SMFIM_CONNECT, connect);
	(void)smfi_setsymlist(ctx, SMFIM_HELO, nothing);
	(void)smfi_setsymlist(ctx, SMFIM_ENVFROM, mail);
	(void)smfi_setsymlist(ctx, SMFIM_ENVRCPT, rcpt);
	(void)smfi_setsymlist(ctx, SMFIM_DATA, queue_id);
	(void)smfi_setsymlist(ctx, SMFIM_EOH, needs->body ? queue_id : nothing);
	(void)smfi_setsymlist(ctx, SMFIM_EOM, queue_id);
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
	unsigned long unused2, unsigned long unused3, unsigned long *actions_r,
	unsigned long *steps_r, unsigned long *unused2_r, unsigned long *unused3_r)
{
	struct settings *settings = shared_settings(all_shared);
	const struct policy_parts no_users_yet = { .settings = settings };
	struct policy *policy = snapshot_get(shared_snapshot(all_shared));
	struct needs needs;

	(void)unused2;
	(void)unused3;
	needs_of(policy != NULL ? policy_parts(policy) : &no_users_yet, shared_is_inet(all_shared),
		&needs);
	policy_unref(&policy);
	settings_unref(&settings);
	callbacks_agree(&needs, actions, steps, actions_r, steps_r);
	*unused2_r = *unused3_r = 0;
	if ((*actions_r & SMFIF_SETSYMLIST) != 0)
		ask_macros(ctx, &needs);
	end_session(ctx);
	(void)begin_session(ctx, &needs);
	return SMFIS_CONTINUE;
}

/* Begin the session of a connection without a negotiation: Sendmail may reuse a connection for
 * another client. */
static struct session *begin_unnegotiated_session(SMFICTX *ctx)
{
	struct settings *settings = shared_settings(all_shared);
	struct needs needs;

	needs_of_stranger(settings, &needs);
	settings_unref(&settings);
	return begin_session(ctx, &needs);
}

static sfsistat on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *address)
{
	struct session *session = smfi_getpriv(ctx);
	struct verdict verdict;
	const struct client client = {
		.host = host,
		.address = address,
		.daemon_name = macro_value(ctx, "{daemon_name}"),
		.mta_name = macro_value(ctx, "j"),
		.resolve = macro_value(ctx, "{client_resolve}"),
		.version = macro_value(ctx, "v"),
	};

	if (session == NULL && (session = begin_unnegotiated_session(ctx)) == NULL)
		return answer_without_session();
	session_connect(session, &client, &verdict);
	if (!session_needs(session)->answer_connect)
		return SMFIS_NOREPLY;
	return reply_send(ctx, &verdict, false);
}

static sfsistat on_helo(SMFICTX *ctx, char *helo)
{
	struct session *session = smfi_getpriv(ctx);
	struct verdict verdict;

	if (session == NULL)
		return answer_without_session();
	session_helo(session, helo, &verdict);
	if (!session_needs(session)->answer_helo)
		return SMFIS_NOREPLY;
	return reply_send(ctx, &verdict, true);
}

static sfsistat on_envfrom(SMFICTX *ctx, char **argv)
{
	struct session *session = smfi_getpriv(ctx);
	struct verdict verdict;
	const struct mail_command mail = {
		.address = argv[0],
		.parameters = (const char *const *)argv + 1,
		.resolved = macro_value(ctx, "{mail_addr}"),
		.login = macro_value(ctx, "{auth_authen}"),
		.queue = macro_value(ctx, "i"),
	};

	if (session == NULL)
		return answer_without_session();
	session_mail(session, &mail, &verdict);
	return reply_send(ctx, &verdict, true);
}

static sfsistat on_envrcpt(SMFICTX *ctx, char **argv)
{
	struct session *session = smfi_getpriv(ctx);
	const struct rcpt_command rcpt = { .address = argv[0],
		.resolved = macro_value(ctx, "{rcpt_addr}"),
		.queue = macro_value(ctx, "i") };
	struct verdict verdict;

	if (session == NULL)
		return answer_without_session();
	session_rcpt(session, &rcpt, &verdict);
	if (!session_needs(session)->answer_rcpt)
		return SMFIS_NOREPLY;
	return reply_send(ctx, &verdict, true);
}

/* Nothing is decided here; needs_of() explains why DATA may be answered at all. */
static sfsistat on_data(SMFICTX *ctx)
{
	struct session *session = smfi_getpriv(ctx);

	if (session == NULL)
		return answer_without_session();
	session_data(session, macro_value(ctx, "i"));
	return session_needs(session)->answer_data ? SMFIS_CONTINUE : SMFIS_NOREPLY;
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
	struct session *session = smfi_getpriv(ctx);

	if (session != NULL)
		session_field(session, name, value);
	return SMFIS_NOREPLY;
}

static sfsistat on_eoh(SMFICTX *ctx)
{
	struct session *session = smfi_getpriv(ctx);
	struct verdict verdict;

	if (session == NULL)
		return answer_without_session();
	session_queue_id(session, macro_value(ctx, "i"));
	if (!session_needs(session)->answer_eoh)
		return SMFIS_NOREPLY;
	session_header_end(session, NULL, &verdict);
	if (verdict.kind != VERDICT_CONTINUE)
		session_message_drop(session);
	return reply_send(ctx, &verdict, true);
}

/* The first chunk also ends the header. The rest is skipped only if the MTA supports that. */
static sfsistat on_body(SMFICTX *ctx, unsigned char *chunk, size_t len)
{
	struct session *session = smfi_getpriv(ctx);
	struct verdict verdict;
	bool more = true;

	(void)chunk;
	if (session == NULL)
		return answer_without_session();
	session_header_end(session, macro_value(ctx, "i"), &verdict);
	if (verdict.kind == VERDICT_CONTINUE)
		more = session_body(session, len, &verdict);
	if (verdict.kind != VERDICT_CONTINUE)
		session_message_drop(session);
	else if (!more && session_needs(session)->skip)
		return SMFIS_SKIP;
	return reply_send(ctx, &verdict, true);
}

/* Remove forged fields from the last to the first, so that the others keep their numbers. */
static int write_results(SMFICTX *ctx, const struct results_field *results)
{
	if (results->name == NULL)
		return 0;
	for (unsigned i = results->forged; i > 0; i--) {
		if (smfi_chgheader(ctx, results->name, (int)i, NULL) != MI_SUCCESS)
			return -1;
	}
	return smfi_insheader(ctx, 0, results->name, results->value) == MI_SUCCESS ? 0 : -1;
}

static sfsistat on_eom(SMFICTX *ctx)
{
	struct session *session = smfi_getpriv(ctx);
	struct results_field results;
	struct verdict verdict;

	if (session == NULL)
		return answer_without_session();
	session_header_end(session, macro_value(ctx, "i"), &verdict);
	if (verdict.kind == VERDICT_CONTINUE &&
		session_accept(session, macro_value(ctx, "i"), &results, &verdict) == 0) {
		if (write_results(ctx, &results) != 0)
			log_event(LOG_LEVEL_WARNING, "results_header written=no");
		results_field_free(&results);
	}
	session_message_drop(session);
	return reply_send(ctx, &verdict, true);
}

static sfsistat on_abort(SMFICTX *ctx)
{
	struct session *session = smfi_getpriv(ctx);

	if (session != NULL)
		session_message_drop(session);
	return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *ctx)
{
	end_session(ctx);
	return SMFIS_CONTINUE;
}

/* ---- what libmilter calls -------------------------------------------------------- */

/* Define watched_NAME(), which counts on_NAME() while it runs. */
#define WATCHED(name, parameters, arguments)                                  \
	static sfsistat watched_##name parameters                             \
	{                                                                     \
		sfsistat answer;                                              \
                                                                              \
		atomic_fetch_add_explicit(&entered, 1, memory_order_relaxed); \
		answer = on_##name arguments;                                 \
		atomic_fetch_add_explicit(&left, 1, memory_order_relaxed);    \
		return answer;                                                \
	}

WATCHED(connect, (SMFICTX * ctx, char *host, _SOCK_ADDR *address), (ctx, host, address))
WATCHED(helo, (SMFICTX * ctx, char *helo), (ctx, helo))
WATCHED(envfrom, (SMFICTX * ctx, char **argv), (ctx, argv))
WATCHED(envrcpt, (SMFICTX * ctx, char **argv), (ctx, argv))
WATCHED(header, (SMFICTX * ctx, char *name, char *value), (ctx, name, value))
WATCHED(eoh, (SMFICTX * ctx), (ctx))
WATCHED(body, (SMFICTX * ctx, unsigned char *chunk, size_t len), (ctx, chunk, len))
WATCHED(eom, (SMFICTX * ctx), (ctx))
WATCHED(abort, (SMFICTX * ctx), (ctx))
WATCHED(close, (SMFICTX * ctx), (ctx))
WATCHED(negotiate,
	(SMFICTX * ctx, unsigned long actions, unsigned long steps, unsigned long unused2,
		unsigned long unused3, unsigned long *actions_r, unsigned long *steps_r,
		unsigned long *unused2_r, unsigned long *unused3_r),
	(ctx, actions, steps, unused2, unused3, actions_r, steps_r, unused2_r, unused3_r))

int callbacks_register(struct shared *shared, struct errmsg *err)
{
	static char name[] = "postern";
	const struct smfiDesc description = {
		.xxfi_name = name,
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_SETSYMLIST,
		.xxfi_connect = watched_connect,
		.xxfi_helo = watched_helo,
		.xxfi_envfrom = watched_envfrom,
		.xxfi_envrcpt = watched_envrcpt,
		.xxfi_header = watched_header,
		.xxfi_eoh = watched_eoh,
		.xxfi_body = watched_body,
		.xxfi_eom = watched_eom,
		.xxfi_abort = watched_abort,
		.xxfi_close = watched_close,
		.xxfi_data = on_data,
		.xxfi_negotiate = watched_negotiate,
	};

	all_shared = shared;
	if (smfi_register(description) != MI_SUCCESS)
		return errmsg_set(err, "libmilter does not accept the callbacks");
	return 0;
}
