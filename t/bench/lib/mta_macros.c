/*
 * The macros that Postfix sends with each event, and the filter's wishes about them. Part of the
 * state machine in mta.c.
 */
#include "t/bench/lib/mta_macros.h"

#include <libmilter/mfapi.h>
#include <stdio.h>
#include <string.h>

/* In the order in which Postfix sends them. */
enum macro {
	MACRO_J,
	MACRO_DAEMON_NAME,
	MACRO_DAEMON_ADDR,
	MACRO_V,
	MACRO_CLIENT,
	MACRO_QUEUE_ID,
	MACRO_CLIENT_ADDR,
	MACRO_CLIENT_NAME,
	MACRO_CLIENT_RESOLVE,
	MACRO_AUTH_TYPE,
	MACRO_AUTH_AUTHEN,
	MACRO_MAIL_ADDR,
	MACRO_MAIL_HOST,
	MACRO_MAIL_MAILER,
	MACRO_RCPT_ADDR,
	MACRO_RCPT_HOST,
	MACRO_RCPT_MAILER,
	MACROS
};

static const char *const names[MACROS] = {
	[MACRO_J] = "j",
	[MACRO_DAEMON_NAME] = "{daemon_name}",
	[MACRO_DAEMON_ADDR] = "{daemon_addr}",
	[MACRO_V] = "v",
	[MACRO_CLIENT] = "_",
	[MACRO_QUEUE_ID] = "i",
	[MACRO_CLIENT_ADDR] = "{client_addr}",
	[MACRO_CLIENT_NAME] = "{client_name}",
	[MACRO_CLIENT_RESOLVE] = "{client_resolve}",
	[MACRO_AUTH_TYPE] = "{auth_type}",
	[MACRO_AUTH_AUTHEN] = "{auth_authen}",
	[MACRO_MAIL_ADDR] = "{mail_addr}",
	[MACRO_MAIL_HOST] = "{mail_host}",
	[MACRO_MAIL_MAILER] = "{mail_mailer}",
	[MACRO_RCPT_ADDR] = "{rcpt_addr}",
	[MACRO_RCPT_HOST] = "{rcpt_host}",
	[MACRO_RCPT_MAILER] = "{rcpt_mailer}",
};

#define BIT(macro) (UINT64_C(1) << (macro))

void mta_macros_default(uint64_t macros_r[MTA_STAGES])
{
	memset(macros_r, 0, MTA_STAGES * sizeof(*macros_r));
	macros_r[MTA_CONNECT] = BIT(MACRO_J) | BIT(MACRO_DAEMON_NAME) | BIT(MACRO_DAEMON_ADDR) |
		BIT(MACRO_V) | BIT(MACRO_CLIENT);
	macros_r[MTA_MAIL] = BIT(MACRO_QUEUE_ID) | BIT(MACRO_AUTH_TYPE) | BIT(MACRO_AUTH_AUTHEN) |
		BIT(MACRO_MAIL_ADDR) | BIT(MACRO_MAIL_HOST) | BIT(MACRO_MAIL_MAILER);
	macros_r[MTA_RCPT] = BIT(MACRO_QUEUE_ID) | BIT(MACRO_RCPT_ADDR) | BIT(MACRO_RCPT_HOST) |
		BIT(MACRO_RCPT_MAILER);
	for (enum mta_stage stage = MTA_DATA; stage < MTA_STAGES; stage++)
		macros_r[stage] = BIT(MACRO_QUEUE_ID);
}

/* Return the bits of the names in "name name ...". Unknown names have no value and no bit. */
static uint64_t bits_of(const char *text, size_t len)
{
	uint64_t bits = 0;

	for (size_t at = 0; at < len;) {
		size_t end = at;

		while (end < len && text[end] != ' ' && text[end] != ',')
			end++;
		for (unsigned int macro = 0; macro < MACROS; macro++)
			if (strlen(names[macro]) == end - at &&
				memcmp(names[macro], text + at, end - at) == 0)
				bits |= BIT(macro);
		at = end + 1;
	}
	return bits;
}

static void ask(struct mta *mta, uint32_t place, const char *names_text, size_t len)
{
	/* Postfix sends EOH's list with each header, and EOM's with each part of the body. */
	static const struct {
		uint32_t place;
		enum mta_stage first, last;
	} places[] = {
		{ SMFIM_CONNECT, MTA_CONNECT, MTA_CONNECT },
		{ SMFIM_HELO, MTA_HELO, MTA_HELO },
		{ SMFIM_ENVFROM, MTA_MAIL, MTA_MAIL },
		{ SMFIM_ENVRCPT, MTA_RCPT, MTA_RCPT },
		{ SMFIM_DATA, MTA_DATA, MTA_DATA },
		{ SMFIM_EOH, MTA_HEADER, MTA_EOH },
		{ SMFIM_EOM, MTA_BODY, MTA_EOM },
	};
	size_t noted = strlen(mta->macros_asked);

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		for (enum mta_stage stage = places[i].first;
			places[i].place == place && stage <= places[i].last; stage++)
			mta->macros[stage] = bits_of(names_text, len);
	(void)snprintf(mta->macros_asked + noted, sizeof(mta->macros_asked) - noted, "%u=%s;",
		place, names_text);
}

int mta_macros_parse(struct mta *mta, const char *args, size_t len)
{
	for (size_t at = 0; at < len;) {
		const char *end = len - at < 5 ? NULL : memchr(args + at + 4, '\0', len - at - 4);

		if (end == NULL)
			return -1;
		if (args[at + 4] != '\0')
			ask(mta, packet_read_u32(args + at), args + at + 4,
				(size_t)(end - args) - at - 4);
		at = (size_t)(end - args) + 1;
	}
	return 0;
}

/* The address without its brackets, or only the part after its last @. */
static void add_address(struct strbuf *out, const char *bracketed, bool host_only)
{
	size_t len = strlen(bracketed);
	const char *at = strrchr(bracketed, '@');

	if (len >= 2 && bracketed[0] == '<' && bracketed[len - 1] == '>') {
		bracketed++;
		len -= 2;
	}
	if (host_only && at != NULL) {
		len -= (size_t)(at + 1 - bracketed);
		bracketed = at + 1;
	}
	strbuf_add(out, bracketed, len);
}

/* Add a macro's value. Returns whether it has one. */
static bool add_value(const struct mta *mta, enum macro macro, struct strbuf *out)
{
	const struct smtp_session *session = mta->session;
	const char *rcpt = session->rcpts[mta->stage == MTA_RCPT ? mta->at : 0];
	const char *rdns = session->rdns == NULL ? "unknown" : session->rdns;

	switch (macro) {
	case MACRO_QUEUE_ID: /* Postfix assigns it when a recipient was accepted */
		if (mta->stage < MTA_RCPT || (mta->stage == MTA_RCPT && mta->rcpts_accepted == 0))
			return false;
		strbuf_addf(out, "%08X7208D", mta->message);
		return true;
	case MACRO_CLIENT:
		strbuf_addf(out, "%s [%s]", rdns, session->ip);
		return true;
	case MACRO_CLIENT_ADDR:
		strbuf_addf(out, "%s%s", session->is_ipv6 ? "IPv6:" : "", session->ip);
		return true;
	case MACRO_CLIENT_RESOLVE:
		strbuf_add_str(out, session->rdns == NULL ? "FAIL" : "OK");
		return true;
	case MACRO_AUTH_TYPE:
	case MACRO_AUTH_AUTHEN:
		if (session->login == NULL)
			return false;
		strbuf_add_str(out, macro == MACRO_AUTH_TYPE ? "PLAIN" : session->login);
		return true;
	case MACRO_MAIL_ADDR:
	case MACRO_MAIL_HOST:
		add_address(out, session->mail, macro == MACRO_MAIL_HOST);
		return true;
	case MACRO_RCPT_ADDR:
	case MACRO_RCPT_HOST:
		add_address(out, rcpt, macro == MACRO_RCPT_HOST);
		return true;
	default:
		strbuf_add_str(out,
			macro == MACRO_V		   ? "Postfix 3.7.11" :
				macro == MACRO_DAEMON_ADDR ? "127.0.0.1" :
				macro == MACRO_CLIENT_NAME ? rdns :
				macro == MACRO_MAIL_MAILER || macro == MACRO_RCPT_MAILER ?
							     "smtp" :
							     "mx.example.net");
		return true;
	}
}

void mta_macros_write(const struct mta *mta, char command, struct strbuf *out)
{
	size_t place = packet_begin(out, SMFIC_MACRO);

	strbuf_add_char(out, command);
	for (enum macro macro = 0; macro < MACROS; macro++) {
		size_t before = out->len;

		if ((mta->macros[mta->stage] & BIT(macro)) == 0)
			continue;
		packet_add_text(out, names[macro]);
		if (add_value(mta, macro, out))
			strbuf_add_char(out, '\0');
		else
			out->len = before;
	}
	packet_end(out, place);
}
