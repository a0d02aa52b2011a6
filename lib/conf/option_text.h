#ifndef POSTERN_OPTION_TEXT_H
#define POSTERN_OPTION_TEXT_H

#include "lib/base/strbuf.h"
#include "lib/conf/config.h"
#include "lib/conf/options.h"

/*
 * Add the value of an option as postern.conf would contain it; option_set() reads it back to the
 * same value, unless it is a secret: a secret that is set becomes CONNINFO_HIDDEN, and so do the
 * secrets in a connection string (conninfo_hide()). service is the section [check] or [check NAME]
 * of options that are kept there; NULL: [check].
 */
void option_text(const struct config_option *option, const struct config *config,
	const struct service *service, struct strbuf *text);

#endif
