/*
 * A libmilter filter that does nothing, which shows the cost of libmilter itself. It registers the
 * given callbacks and continues from each, on libmilter's threads. `null_filter -h` lists the
 * options.
 */
#include <getopt.h>
#include <libmilter/mfapi.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* Postfix opens one connection per session, and many at once; libmilter's backlog of 20 is too
 * short. */
#define BACKLOG 1024

static const char usage_text[] =
	"usage: null_filter -p SOCKET [options]\n"
	"  -p SOCKET            unix:/path or inet:port@host, as libmilter reads it\n"
	"  --callbacks LIST     connect,helo,mail,rcpt,data,header,eoh,body,eom,unknown (all)\n"
	"  --negotiate          ask for what saves replies: none for connect, helo, headers, end\n"
	"                       of headers, body, and DATA on a unix socket\n"
	"  --actions MASK       negotiate exactly these SMFIF_* flags\n"
	"  --protocol MASK      negotiate exactly these SMFIP_* flags\n"
	"  --macros LISTS       ask for these macros: \"0=v {daemon_name};2=i;\" (SMFIM_* numbers)\n"
	"Without any of the last four it negotiates nothing, as the simplest filters do.\n";

/* Written before libmilter's threads start, and only read by the callbacks. */
static unsigned long wanted_actions, wanted_protocol;
static struct {
	int place;
	char *names;
} wanted_macros[SMFIM_LAST + 1];
static size_t wanted_macros_count;

/* The answer of a callback: none if none was negotiated. */
static sfsistat answer(unsigned long no_reply)
{
	return (wanted_protocol & no_reply) != 0 ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

static sfsistat on_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *addr)
{
	(void)ctx, (void)name, (void)addr;
	return answer(SMFIP_NR_CONN);
}

static sfsistat on_helo(SMFICTX *ctx, char *name)
{
	(void)ctx, (void)name;
	return answer(SMFIP_NR_HELO);
}

static sfsistat on_mail(SMFICTX *ctx, char **args)
{
	(void)ctx, (void)args;
	return answer(SMFIP_NR_MAIL);
}

static sfsistat on_rcpt(SMFICTX *ctx, char **args)
{
	(void)ctx, (void)args;
	return answer(SMFIP_NR_RCPT);
}

static sfsistat on_data(SMFICTX *ctx)
{
	(void)ctx;
	return answer(SMFIP_NR_DATA);
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
	(void)ctx, (void)name, (void)value;
	return answer(SMFIP_NR_HDR);
}

static sfsistat on_eoh(SMFICTX *ctx)
{
	(void)ctx;
	return answer(SMFIP_NR_EOH);
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *body, size_t len)
{
	(void)ctx, (void)body, (void)len;
	return answer(SMFIP_NR_BODY);
}

static sfsistat on_eom(SMFICTX *ctx)
{
	(void)ctx;
	return SMFIS_CONTINUE;
}

static sfsistat on_end(SMFICTX *ctx)
{
	(void)ctx;
	return SMFIS_CONTINUE;
}

static sfsistat on_unknown(SMFICTX *ctx, const char *command)
{
	(void)ctx, (void)command;
	return answer(SMFIP_NR_UNKN);
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long protocol,
	unsigned long third, unsigned long fourth, unsigned long *actions_r,
	unsigned long *protocol_r, unsigned long *third_r, unsigned long *fourth_r)
{
	(void)third, (void)fourth;
	for (size_t i = 0; i < wanted_macros_count; i++)
		(void)smfi_setsymlist(ctx, wanted_macros[i].place, wanted_macros[i].names);
	*actions_r = wanted_actions & actions;
	*protocol_r = wanted_protocol & protocol;
	*third_r = *fourth_r = 0;
	return SMFIS_CONTINUE;
}

/* Omit the callbacks that are not in the list. Returns 0, or -1 on an unknown name. */
static int choose_callbacks(struct smfiDesc *filter, const char *list)
{
	static const char *const names[] = { "connect", "helo", "mail", "rcpt", "data", "header",
		"eoh", "body", "eom", "unknown" };
	enum { NAMES = sizeof(names) / sizeof(names[0]) };
	bool named[NAMES] = { false };

	if (strcmp(list, "all") == 0)
		return 0;
	while (*list != '\0') {
		size_t len = strcspn(list, ","), i;

		for (i = 0; i < NAMES; i++)
			if (strlen(names[i]) == len && strncmp(names[i], list, len) == 0)
				break;
		if (i == NAMES)
			return -1;
		named[i] = true;
		list += len + (list[len] == ',');
	}
	filter->xxfi_connect = named[0] ? on_connect : NULL;
	filter->xxfi_helo = named[1] ? on_helo : NULL;
	filter->xxfi_envfrom = named[2] ? on_mail : NULL;
	filter->xxfi_envrcpt = named[3] ? on_rcpt : NULL;
	filter->xxfi_data = named[4] ? on_data : NULL;
	filter->xxfi_header = named[5] ? on_header : NULL;
	filter->xxfi_eoh = named[6] ? on_eoh : NULL;
	filter->xxfi_body = named[7] ? on_body : NULL;
	filter->xxfi_eom = named[8] ? on_eom : NULL;
	filter->xxfi_unknown = named[9] ? on_unknown : NULL;
	return 0;
}

/* Parse "0=v {daemon_name};2=i;". Returns 0, or -1 if it has another form. */
static int choose_macros(char *lists)
{
	char *state, *list, *end;

	for (list = strtok_r(lists, ";", &state); list != NULL;
		list = strtok_r(NULL, ";", &state)) {
		unsigned long place = strtoul(list, &end, 10);

		if (*end != '=' || place > SMFIM_LAST || wanted_macros_count > SMFIM_LAST)
			return -1;
		wanted_macros[wanted_macros_count].place = (int)place;
		wanted_macros[wanted_macros_count++].names = end + 1;
	}
	return 0;
}

/*
 * The flags that save replies, without NR_DATA on an inet socket: Postfix sends DATA's macros in a
 * separate write, and its next write would wait 40 ms for a delayed acknowledgement, which the
 * reply to DATA carries (seen with Postfix 3.7, which does not set TCP_NODELAY).
 */
static unsigned long saving_flags(const char *socket_name)
{
	unsigned long flags = SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_HDR | SMFIP_NR_EOH |
		SMFIP_NR_BODY | SMFIP_NR_UNKN;

	return strncmp(socket_name, "inet", 4) == 0 ? flags : flags | SMFIP_NR_DATA;
}

static int read_options(int argc, char **argv, struct smfiDesc *filter, char **socket_r)
{
	static const struct option options[] = {
		{ "callbacks", required_argument, NULL, 'c' },
		{ "negotiate", no_argument, NULL, 'n' },
		{ "actions", required_argument, NULL, 'a' },
		{ "protocol", required_argument, NULL, 'P' },
		{ "macros", required_argument, NULL, 'm' },
		{ NULL, 0, NULL, 0 },
	};
	bool is_saving = false;
	int option;

	while ((option = getopt_long(argc, argv, "p:h", options, NULL)) != -1) {
		if (option == 'p')
			*socket_r = optarg;
		else if (option == 'c' && choose_callbacks(filter, optarg) == 0)
			continue;
		else if (option == 'n')
			is_saving = true;
		else if (option == 'a')
			wanted_actions = strtoul(optarg, NULL, 0);
		else if (option == 'P')
			wanted_protocol = strtoul(optarg, NULL, 0);
		else if (option != 'm' || choose_macros(optarg) == -1)
			return -1;
		if (option != 'p')
			filter->xxfi_negotiate = on_negotiate;
	}
	if (is_saving && *socket_r != NULL)
		wanted_protocol |= saving_flags(*socket_r);
	return *socket_r == NULL || optind != argc ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct smfiDesc filter = {
		.xxfi_name = "null_filter",
		.xxfi_version = SMFI_VERSION,
		.xxfi_connect = on_connect,
		.xxfi_helo = on_helo,
		.xxfi_envfrom = on_mail,
		.xxfi_envrcpt = on_rcpt,
		.xxfi_data = on_data,
		.xxfi_header = on_header,
		.xxfi_eoh = on_eoh,
		.xxfi_body = on_body,
		.xxfi_eom = on_eom,
		.xxfi_abort = on_end,
		.xxfi_close = on_end,
		.xxfi_unknown = on_unknown,
	};
	struct rlimit limit;
	char *socket_name = NULL;

	if (read_options(argc, argv, &filter, &socket_name) == -1) {
		fputs(usage_text, stderr);
		return 2;
	}
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max; /* thousands of idle connections */
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	umask(0); /* so that Postfix's account may use the socket */
	if (smfi_setconn(socket_name) != MI_SUCCESS || smfi_register(filter) != MI_SUCCESS ||
		smfi_setbacklog(BACKLOG) != MI_SUCCESS || smfi_opensocket(true) != MI_SUCCESS) {
		fprintf(stderr, "null_filter: cannot listen on %s\n", socket_name);
		return 1;
	}
	return smfi_main() == MI_SUCCESS ? 0 : 1;
}
