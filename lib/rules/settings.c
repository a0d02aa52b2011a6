#include "lib/rules/settings.h"

#include <stdlib.h>
#include <strings.h>

/* 127.0.0.0/8 and ::1 */
static const struct cidr loopback[] = {
	{ .family = AF_INET, .prefix_len = 8, .addr = { 127 } },
	{ .family = AF_INET6, .prefix_len = 128, .addr = { [15] = 1 } },
};

/* The defaults of one service; lib/conf/options.c names the same ones to people. */
static const struct service default_service = {
	.mode = {
		[CHECK_ANY] = MODE_YES,
		[CHECK_CONN] = MODE_YES,
		[CHECK_HELO] = MODE_NO,
		[CHECK_MAIL] = MODE_YES,
		[CHECK_RCPT] = MODE_YES,
		[CHECK_DATA] = MODE_NO,
		[CHECK_SENDER] = MODE_YES,
		[CHECK_RECIPIENT] = MODE_YES,
		[CHECK_SIZE] = MODE_YES,
		[CHECK_LIMITS] = MODE_YES,
		[CHECK_HEADER_FROM] = MODE_YES,
		[CHECK_RATES] = MODE_YES,
	},
	.exempt = loopback,
	.exempt_count = 2,
};

struct settings *settings_new(void)
{
	struct settings *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	if ((s->arena = arena_new(4096)) == NULL) {
		free(s);
		return NULL;
	}
	s->refs = 1;
	s->services = &default_service;
	s->service_count = 1;
	s->deny_conn = "You are not allowed to connect";
	s->deny_helo = "That HELO is not allowed to connect";
	s->deny_mail = "That sender cannot send mail here";
	s->deny_rcpt = "That recipient is not allowed";
	s->default_domain = "";
	s->recipient_delimiter = "+";
	s->allow_null_sender = true;
	s->unknown_profile = "";
	s->refuse_routed = true;
	s->token_login = s->token_profile = "token";
	s->delay_reject = true;
	s->results_header = "";
	return s;
}

struct settings *settings_ref(struct settings *settings)
{
	if (settings != NULL)
		__atomic_add_fetch(&settings->refs, 1, __ATOMIC_RELAXED);
	return settings;
}

void settings_unref(struct settings **settings)
{
	struct settings *gone = *settings;

	*settings = NULL;
	if (gone == NULL || __atomic_sub_fetch(&gone->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	rates_free(&gone->rates);
	arena_free(&gone->arena);
	free(gone);
}

const struct service *settings_service(const struct settings *settings, const char *daemon_name)
{
	size_t i;

	for (i = 1; daemon_name != NULL && i < settings->service_count; i++) {
		if (strcasecmp(settings->services[i].name, daemon_name) == 0)
			return &settings->services[i];
	}
	return &settings->services[0];
}

bool service_exempts(const struct service *service, const struct cidr *client)
{
	size_t i;

	for (i = 0; i < service->exempt_count; i++) {
		if (cidr_contains(&service->exempt[i], client))
			return true;
	}
	return false;
}
