#ifndef POSTERN_DOCTOR_ENDPOINT_H
#define POSTERN_DOCTOR_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>

#include "ctl/doctor/doctor.h"
#include "ctl/doctor/doctor_postfix_conf.h"
#include "lib/base/errmsg.h"
#include "lib/base/strbuf.h"

/*
 * A socket as smtpd sees it: from its chroot, with its user. Paths are those of Postfix's settings,
 * relative to queue_directory. One thread.
 */
struct doctor_endpoint {
	bool is_inet;
	char path[1024];    /* of a unix socket, as smtpd opens it */
	char outside[2048]; /* the same path from outside of the chroot */
	char host[256], port[32];
};

/*
 * Resolve an address, "unix:PATH" or "inet:HOST:PORT" (for a milter), also "PATH" (is_sasl, for
 * smtpd_sasl_path), for a service. Returns 0, or -1 if it has another form.
 */
int doctor_endpoint_resolve(const struct doctor_instance *instance,
	const struct doctor_service *service, const char *address, bool is_sasl,
	struct doctor_endpoint *endpoint_r);

/* Return whether the endpoint is the socket that a setting of Postern describes ("unix:/path" or
 * "inet:PORT@HOST"). */
bool doctor_endpoint_is(const struct doctor_endpoint *endpoint, const char *setting);

/*
 * Really connect as the service does: in a child with the service's user and groups, in its chroot.
 * Needs root's rights for a unix socket. Returns 0, an errno, or -1 with err set if the attempt
 * could not be made.
 */
int doctor_endpoint_connect(const struct doctor_instance *instance,
	const struct doctor_service *service, const struct doctor_endpoint *endpoint,
	struct errmsg *err);

/* Connect as the user and in the root directory of this process. Returns 0 or an errno. */
int doctor_endpoint_try(const struct doctor_endpoint *endpoint);

/*
 * Read the greeting of a server of Dovecot's auth protocol to its end, from outside of the chroot.
 * Returns 0 with its lines added to greeting, or -1: it cannot be reached, or speaks otherwise.
 */
int doctor_endpoint_greet(const struct doctor_endpoint *endpoint, struct strbuf *greeting);

/*
 * Find the directory on the way to a socket that the service's user may not search. Returns its
 * path from outside the chroot in folder_r, "" if that is the socket itself.
 */
void doctor_endpoint_obstacle(const struct doctor_instance *instance,
	const struct doctor_service *service, const struct doctor_endpoint *endpoint,
	char folder_r[2048]);

#endif
