/*
 * Examines whom Postfix trusts: whether a gateway from which all clients seem to come, and which
 * the daemon finds, may relay mail, and whether everybody may use XCLIENT. Owns nothing.
 * t/integration/test_doctor_clients.py covers it.
 */
#include <string.h>

#include "ctl/doctor/doctor_commands.h"
#include "ctl/doctor/doctor_examinations.h"
#include "ctl/doctor/doctor_ours.h"
#include "lib/base/strbuf.h"
#include "lib/base/text.h"
#include "lib/match/cidr.h"

/* Parse an element of mynetworks: "192.0.2.0/24" or "[2001:db8::]/32". Returns 0, or -1. */
static int parse_network(const char *text, size_t len, struct cidr *net_r)
{
	char plain[CIDR_TEXT_SIZE];
	size_t used = 0;
	struct errmsg err;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '[' || text[i] == ']')
			continue;
		if (used + 1 >= sizeof(plain))
			return -1;
		plain[used++] = text[i];
	}
	plain[used] = '\0';
	return cidr_parse(plain, net_r, &err);
}

/* Return whether any element of a list contains the address. Adds the other elements to rest. */
static bool leave_out(const char *list, const struct cidr *address, struct strbuf *rest)
{
	bool is_contained = false;
	const char *at = list;
	struct cidr net;
	size_t len = 0;

	while ((at = doctor_postfix_word(at + len, &len)) != NULL) {
		if (parse_network(at, len, &net) == 0 && cidr_contains(&net, address))
			is_contained = true;
		else
			strbuf_addf(rest, "%s%.*s", rest->len > 0 ? " " : "", (int)len, at);
	}
	return is_contained;
}

static void examine_instance(const struct doctor *doctor, const struct doctor_instance *instance,
	const char *gateway, const struct cidr *address)
{
	const char *networks = doctor_postfix_value(instance->values, "mynetworks");
	struct strbuf rest = STRBUF_INIT;
	struct doctor_finding *finding;

	if (leave_out(networks, address, &rest) && !rest.failed) {
		finding = doctor_find(doctor, DOCTOR_MAIL,
			"%s: mynetworks contains %s, the gateway from which all clients come",
			instance->folder, gateway);
		doctor_effect(finding,
			"The server is an open relay: permit_mynetworks lets anybody send mail "
			"to any address.");
		doctor_cure(finding, "Remove the network from mynetworks.");
		doctor_set_parameter(finding, instance, NULL, "mynetworks",
			rest.text == NULL ? "" : rest.text);
		doctor_reload_postfix(finding, instance);
	}
	strbuf_free(&rest);
}

/* ---- XCLIENT --------------------------------------------------------------------- */

/* No network of one's own has a shorter prefix. */
#define OWN_PREFIX 8
#define OWN_PREFIX_IPV6 16

/* Return whether an element of a list of hosts matches strangers. */
static bool is_everybody(const char *element, size_t len)
{
	struct cidr net;

	if (len >= 7 && strncmp(element, "static:", 7) == 0)
		return true;
	return parse_network(element, len, &net) == 0 &&
		net.prefix_len < (net.family == AF_INET ? OWN_PREFIX : OWN_PREFIX_IPV6);
}

/* Report a service that lets everybody use XCLIENT, by which a client has any address and any login
 * that it names. */
static void examine_xclient(const struct doctor *doctor, const struct doctor_instance *instance,
	const struct doctor_service *service)
{
	static const char name[] = "smtpd_authorized_xclient_hosts";
	static const char *const parameters[] = { name, NULL };
	const char *hosts = doctor_postfix_value(service->values, name);
	struct strbuf names = STRBUF_INIT, rest = STRBUF_INIT;
	struct doctor_finding *finding;
	const bool is_found = !doctor_is_repeated(instance, service, parameters, &names) &&
		!names.failed && doctor_postfix_leave_out(hosts, is_everybody, " ", &rest);

	if (is_found && !rest.failed) {
		finding = doctor_find(doctor, DOCTOR_SECURITY,
			"%s: smtpd_authorized_xclient_hosts lets everybody use XCLIENT (%s): %s",
			instance->folder, names.text, hosts);
		doctor_effect(finding,
			"A client that uses XCLIENT has any address and any login that it names, "
			"without a password.");
		doctor_cure(finding,
			"Name only the proxies that pass on their clients' addresses.");
		doctor_set_parameter(finding, instance, service, name,
			rest.text == NULL ? "" : rest.text);
		doctor_reload_postfix(finding, instance);
	}
	strbuf_free(&names);
	strbuf_free(&rest);
}

/* ---- all ------------------------------------------------------------------------- */

void doctor_examine_clients(const struct doctor *doctor)
{
	const json_t *sessions = json_object_get(doctor->status, "sessions");
	const char *gateway =
		json_string_value(json_object_get(json_object_get(sessions, "gateway"), "address"));
	struct cidr address;
	struct errmsg err;

	if (gateway != NULL && cidr_parse(gateway, &address, &err) != 0)
		gateway = NULL;
	for (size_t i = 0; doctor->postfix != NULL && i < doctor->postfix->instance_count; i++) {
		const struct doctor_instance *instance = &doctor->postfix->instances[i];

		if (!instance->is_enabled)
			continue;
		if (gateway != NULL)
			examine_instance(doctor, instance, gateway, &address);
		for (size_t j = 0; j < instance->service_count; j++)
			examine_xclient(doctor, instance, &instance->services[j]);
	}
}
