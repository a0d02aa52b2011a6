#ifndef POSTERN_DOCTOR_COMMANDS_H
#define POSTERN_DOCTOR_COMMANDS_H

#include "ctl/doctor/doctor.h"
#include "ctl/doctor/doctor_postfix_conf.h"

/* Commands that several examinations print. All accept a finding that is NULL. */

/* postconf OPTION VALUE..., for the instance; ends with NULL. VALUE is one word: "name = value". */
void doctor_postconf(struct doctor_finding *finding, const struct doctor_instance *instance,
	const char *option, const char *value);

/*
 * Set a parameter where it is set now: in the options of the service, if they contain it, else in
 * main.cf. Services without the option then have the new value, too.
 */
void doctor_set_parameter(struct doctor_finding *finding, const struct doctor_instance *instance,
	const struct doctor_service *service, const char *name, const char *value);

/* postfix reload, for the instance. */
void doctor_reload_postfix(struct doctor_finding *finding, const struct doctor_instance *instance);

/*
 * Set a key of postern.conf to a value: change its line, or add one to its section. Adds no
 * command, if the configuration was not read.
 */
void doctor_set_key(struct doctor_finding *finding, const struct doctor *doctor,
	const char *section, const char *name, const char *value);

void doctor_reload_postern(struct doctor_finding *finding, const struct doctor *doctor);
void doctor_restart_postern(struct doctor_finding *finding);

#endif
