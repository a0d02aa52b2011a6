#ifndef POSTERN_DOCTOR_OURS_H
#define POSTERN_DOCTOR_OURS_H

#include <stdbool.h>

#include "ctl/doctor/doctor.h"
#include "ctl/doctor/doctor_endpoint.h"
#include "ctl/doctor/doctor_postfix_conf.h"

/* Postern's own sockets, and the services of Postfix that use them. One thread. */

enum doctor_socket { DOCTOR_SOCKET_MILTER, DOCTOR_SOCKET_AUTH };

/* Return the setting of a socket, "unix:/path" or "inet:PORT@HOST": that of the running daemon, or
 * of the configuration. "" if there is none. */
const char *doctor_our_socket(const struct doctor *doctor, enum doctor_socket which);

/* Return whether an address is that of another socket of Postern than the right one: something
 * answers there, but in another protocol. */
bool doctor_is_wrong_socket(const struct doctor *doctor, const struct doctor_endpoint *endpoint,
	enum doctor_socket right);

/* Return whether a path has the name of a socket of Postern: .../postern.sock or postern/auth. */
bool doctor_has_our_name(const char *path);

/* How a service is connected with Postern. */
enum doctor_link {
	DOCTOR_LINK_OURS,    /* one of its milters is Postern's socket */
	DOCTOR_LINK_LOST,    /* one is meant to be Postern's socket, but no milter listens there */
	DOCTOR_LINK_OTHER,   /* one has Postern's name, but may be the socket of another Postern */
	DOCTOR_LINK_NONE,    /* its milters are others, or it has none */
	DOCTOR_LINK_SWITCHED /* receive_override_options contains no_milters */
};

/*
 * Find Postern among the milters of a service. For OURS and LOST, *milter_r is that element of
 * milters (doctor_postfix_milters()), and endpoint_r its socket.
 */
enum doctor_link doctor_find_link(const struct doctor *doctor,
	const struct doctor_instance *instance, const struct doctor_service *service,
	const json_t *milters, const json_t **milter_r, struct doctor_endpoint *endpoint_r);

/* Return whether smtpd_sasl_type and _path of the service lead to Postern, so that it asks Postern
 * to check logins if smtpd_sasl_auth_enable is yes. */
bool doctor_leads_logins(const struct doctor *doctor, const struct doctor_instance *instance,
	const struct doctor_service *service);

/*
 * Return whether an earlier service of the instance has the same values, so that a finding about it
 * applies to both, and add the keys of all such services to names: "smtp/inet, smtpd/pass".
 */
bool doctor_is_repeated(const struct doctor_instance *instance,
	const struct doctor_service *service, const char *const parameters[], struct strbuf *names);

/*
 * Add commands with which the service finds Postern's socket: they set smtpd_milters, with
 * `replaced` (NULL: none) of milters replaced, or smtpd_sasl_path. If the socket is outside of the
 * service's chroot, they move both sockets into it first, or, if other services use these, take the
 * service out of its chroot.
 */
void doctor_offer_socket(struct doctor_finding *finding, const struct doctor *doctor,
	const struct doctor_instance *instance, const struct doctor_service *service,
	enum doctor_socket which, const json_t *milters, const json_t *replaced);

/* Add commands that give a directory of sockets to the daemon's user and the MTA's group: mode
 * 2750. */
void doctor_offer_folder(struct doctor_finding *finding, const struct doctor *doctor,
	const struct doctor_instance *instance, const char *folder);

#endif
