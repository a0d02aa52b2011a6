#ifndef POSTERN_DOCTOR_SOCKETS_H
#define POSTERN_DOCTOR_SOCKETS_H

#include "ctl/doctor/doctor.h"
#include "ctl/doctor/doctor_endpoint.h"
#include "ctl/doctor/doctor_ours.h"

/* Check that the services, whose keys are `names`, can connect to a socket of Postern, and add a
 * finding if not. */
void doctor_sockets_check(const struct doctor *doctor, const struct doctor_instance *instance,
	const struct doctor_service *service, const struct doctor_endpoint *endpoint,
	enum doctor_socket which, const char *names);

/* Set the effect of a socket that a service does not reach. */
void doctor_sockets_effect(struct doctor_finding *finding, const struct doctor_service *service,
	enum doctor_socket which);

#endif
