/*
 * Reads the settings of Postfix's instances by postconf(1), and keeps them for the examinations.
 * Owns them until doctor_postfix_free(). t/integration/test_doctor_postfix.py covers it.
 */
#include "ctl/doctor/doctor_postfix_conf.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "ctl/doctor/doctor_run.h"
#include "lib/base/text.h"

#define ARGUMENTS_MAX 400
#define SEPARATORS ", \t\r\n"

/* The parameters that examinations read. */
static const char *const names[] = { "compatibility_level", "config_directory",
	"default_process_limit", "inet_interfaces", "mail_owner", "master_service_disable",
	"milter_connect_macros", "milter_default_action", "milter_macro_daemon_name",
	"milter_macro_defaults", "milter_mail_macros", "milter_protocol",
	"multi_instance_directories", "multi_instance_enable", "mydestination", "myhostname",
	"mynetworks", "myorigin", "non_smtpd_milters", "queue_directory",
	"receive_override_options", "recipient_delimiter", "smtpd_authorized_xclient_hosts",
	"smtpd_milter_maps", "smtpd_milters", "smtpd_proxy_filter", "smtpd_sasl_auth_enable",
	"smtpd_sasl_mechanism_filter", "smtpd_sasl_path", "smtpd_sasl_security_options",
	"smtpd_sasl_tls_security_options", "smtpd_sasl_type", "smtpd_tls_auth_only",
	"smtpd_tls_cert_file", "smtpd_tls_chain_files", "smtpd_tls_eccert_file",
	"smtpd_tls_security_level", "smtpd_tls_wrappermode", "smtpd_use_tls" };

#define NAMES (sizeof(names) / sizeof(names[0]))

const char *doctor_postfix_value(const json_t *values, const char *name)
{
	const char *value = json_string_value(json_object_get(values, name));

	return value == NULL ? "" : value;
}

bool doctor_postfix_yes(const json_t *values, const char *name)
{
	return strcasecmp(doctor_postfix_value(values, name), "yes") == 0;
}

const char *doctor_postfix_word(const char *at, size_t *len_r)
{
	at += strspn(at, SEPARATORS);
	*len_r = strcspn(at, SEPARATORS);
	return *len_r > 0 ? at : NULL;
}

bool doctor_postfix_leave_out(const char *list, bool (*test)(const char *word, size_t len),
	const char *separator, struct strbuf *rest)
{
	const char *at = list;
	bool is_found = false;
	size_t len = 0;

	while ((at = doctor_postfix_word(at + len, &len)) != NULL) {
		if (test(at, len))
			is_found = true;
		else
			strbuf_addf(rest, "%s%.*s", rest->len > 0 ? separator : "", (int)len, at);
	}
	return is_found;
}

bool doctor_postfix_lists(const char *list, const char *word)
{
	const char *at = list;
	size_t step = 0, len = strlen(word);

	while ((at = doctor_postfix_word(at + step, &step)) != NULL) {
		if (step == len && strncasecmp(at, word, len) == 0)
			return true;
	}
	return false;
}

/* Return the length of the element at the start of a list: up to a separator outside of braces. */
static size_t element_len(const char *list)
{
	size_t len = 0;
	int depth = 0;

	for (; list[len] != '\0' && (depth > 0 || strchr(SEPARATORS, list[len]) == NULL); len++)
		depth += list[len] == '{' ? 1 : list[len] == '}' ? -1 : 0;
	return len;
}

/* Add an element, "ADDRESS" or "{ ADDRESS, name=value ... }". Returns 0, or -1. */
static int add_milter(json_t *milters, const char *element, size_t len)
{
	json_t *milter =
		json_pack("{s:s%, s:s, s:s}", "text", element, len, "address", "", "action", "");
	const bool is_group = len > 1 && element[0] == '{' && element[len - 1] == '}';
	const char *at = is_group ? element + 1 : element;
	const char *const end = is_group ? element + len - 1 : element + len;
	const char *action;

	if (milter == NULL || json_array_append_new(milters, milter) != 0)
		return -1;
	at += strspn(at, SEPARATORS);
	len = is_group ? strcspn(at, SEPARATORS "}") : len;
	if (json_object_set_new(milter, "address", json_stringn(at, len)) != 0)
		return -1;
	action = is_group ? memmem(at, (size_t)(end - at), "default_action", 14) : NULL;
	if (action == NULL)
		return 0;
	action += 14;
	action += strspn(action, " \t");
	action += *action == '=';
	action += strspn(action, " \t");
	return json_object_set_new(milter, "action",
		json_stringn(action, strcspn(action, SEPARATORS "}")));
}

json_t *doctor_postfix_milters(const char *list)
{
	json_t *milters = json_array();

	for (list += strspn(list, SEPARATORS); milters != NULL && *list != '\0';
		list += strspn(list, SEPARATORS)) {
		const size_t len = element_len(list);

		if (add_milter(milters, list, len) != 0) {
			json_decref(milters);
			return NULL;
		}
		list += len;
	}
	return milters;
}

/* Run postconf with these arguments, which end with NULL. Adds its output to out. Returns 0, or -1
 * with err set; *missing_r tells whether there is no postconf. */
static int run_postconf(const char *const arguments[], struct strbuf *out, bool *missing_r,
	struct errmsg *err)
{
	const char *argv[ARGUMENTS_MAX + 2] = { "postconf" };
	struct strbuf errors = STRBUF_INIT;
	const char *fatal;
	int ret;

	for (size_t i = 0; i < ARGUMENTS_MAX && arguments[i] != NULL; i++)
		argv[i + 1] = arguments[i];
	ret = doctor_run(argv, out, &errors, err);
	*missing_r = ret == DOCTOR_RUN_MISSING;
	if (ret > 0 && errors.text != NULL) {
		fatal = strstr(errors.text, "fatal: ");
		fatal = fatal != NULL ? fatal + 7 : errors.text;
		(void)errmsg_set(err, "postconf: %.*s", (int)strcspn(fatal, "\n"), fatal);
	} else if (ret > 0) {
		(void)errmsg_set(err, "postconf ended with exit code %d", ret);
	}
	strbuf_free(&errors);
	return ret == 0 ? 0 : -1;
}

/* Add each line "NAME = VALUE" to an object. Returns 0, or -1 when out of memory. */
static int add_lines(json_t *object, char *text)
{
	char *line, *value;

	while (text != NULL && (line = strsep(&text, "\n")) != NULL) {
		if ((value = strstr(line, " =")) == NULL)
			continue;
		*value = '\0';
		value += 2;
		value += *value == ' ';
		if (json_object_set_new(object, line, json_string(value)) != 0 &&
			json_object_set_new(object, line, json_string("")) != 0)
			return -1;
	}
	return 0;
}

/* Ask postconf, and return the lines of its answer as an object; NULL with err set. */
static json_t *ask(const char *const arguments[], bool *missing_r, struct errmsg *err)
{
	struct strbuf out = STRBUF_INIT;
	json_t *object = json_object();

	if (run_postconf(arguments, &out, missing_r, err) != 0 || object == NULL ||
		add_lines(object, out.text) != 0) {
		json_decref(object);
		object = NULL;
	}
	strbuf_free(&out);
	return object;
}

/* Return the values of all names, with the options -o of a service (NULL: none). */
static json_t *ask_values(const char *folder, const json_t *overrides, bool *missing_r,
	struct errmsg *err)
{
	const char *arguments[ARGUMENTS_MAX + 1];
	char *options[ARGUMENTS_MAX];
	size_t count = 0, made = 0;
	const char *name;
	json_t *values = NULL, *value;

	arguments[count++] = "-x";
	if (folder != NULL) {
		arguments[count++] = "-c";
		arguments[count++] = folder;
	}
	json_object_foreach ((json_t *)overrides, name, value) {
		if (count + 2 + NAMES >= ARGUMENTS_MAX ||
			asprintf(&options[made], "%s=%s", name, json_string_value(value)) < 0)
			break;
		arguments[count++] = "-o";
		arguments[count++] = options[made++];
	}
	for (size_t i = 0; i < NAMES; i++)
		arguments[count++] = names[i];
	arguments[count] = NULL;
	values = ask(arguments, missing_r, err);
	while (made > 0)
		free(options[--made]);
	return values;
}

/* Return the object of a service in listing, and make it if there is none. NULL when out of memory.
 */
static json_t *service_of(json_t *listing, const char *key, size_t len)
{
	char name[400];
	json_t *service;

	(void)text_format(name, sizeof(name), "%.*s", TEXT_CUT_LEN(key, len, 399));
	if ((service = json_object_get(listing, name)) == NULL) {
		service = json_pack("{s:{}}", "overrides");
		if (json_object_set_new(listing, name, service) != 0)
			return NULL;
	}
	return service;
}

/*
 * Make the services' objects from the output of postconf -F (fields, "smtp/inet/chroot = y") and -P
 * (options, "submission/inet/smtpd_milters = "). Returns 0, or -1 with err set.
 */
static int list_services(const char *folder, json_t *listing, struct errmsg *err)
{
	static const char *const options[] = { "-F", "-P" };
	bool missing;

	for (size_t i = 0; i < 2; i++) {
		json_t *lines =
			ask((const char *const[]){ options[i], "-c", folder, NULL }, &missing, err);
		json_t *value;
		const char *name;

		if (lines == NULL)
			return -1;
		json_object_foreach (lines, name, value) {
			const char *slash = strrchr(name, '/');
			json_t *service = slash == NULL ?
				NULL :
				service_of(listing, name, (size_t)(slash - name));

			if (service != NULL && i == 1)
				service = json_object_get(service, "overrides");
			if (service != NULL)
				(void)json_object_set(service, slash + 1, value);
		}
		json_decref(lines);
	}
	return 0;
}

static bool is_smtpd(const json_t *service)
{
	const char *command = doctor_postfix_value(service, "command");
	const char *type = doctor_postfix_value(service, "type");
	const size_t len = strcspn(command, " \t");
	const char *slash = memrchr(command, '/', len);
	const char *program = slash != NULL ? slash + 1 : command;

	return (strcmp(type, "inet") == 0 || strcmp(type, "pass") == 0) &&
		strncmp(program, "smtpd", 5) == 0 && strchr(" \t", program[5]) != NULL;
}

/* Return whether an address or host name, in [] or not, is one of the loopback interface. */
static bool is_loopback(const char *host, size_t len)
{
	if (len > 1 && host[0] == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
	}
	return (len > 4 && strncmp(host, "127.", 4) == 0) ||
		(len == 3 && strncmp(host, "::1", 3) == 0) ||
		(len == 9 && strncasecmp(host, "localhost", 9) == 0) ||
		(len == 13 && strncasecmp(host, "loopback-only", 13) == 0);
}

/* Return whether all interfaces on which an instance listens are those of the loopback interface.
 */
static bool has_local_interfaces(const json_t *values)
{
	const char *at = doctor_postfix_value(values, "inet_interfaces");
	bool is_local = false;
	size_t len = 0;

	while ((at = doctor_postfix_word(at + len, &len)) != NULL) {
		if (!is_loopback(at, len))
			return false;
		is_local = true;
	}
	return is_local;
}

/* Return where a service listens: its name is PORT or HOST:PORT. */
static enum doctor_reach find_reach(const struct doctor_instance *instance, const char *name,
	const char *type)
{
	const char *colon = strrchr(name, ':');

	if (colon != NULL)
		return is_loopback(name, (size_t)(colon - name)) ? DOCTOR_REACH_RETURN :
								   DOCTOR_REACH_ALL;
	return strcmp(type, "inet") == 0 && has_local_interfaces(instance->values) ?
		DOCTOR_REACH_LOCAL :
		DOCTOR_REACH_ALL;
}

/*
 * Return whether master_service_disable switches a service off: the first element that matches
 * decides; "inet", "submission/inet", or "!submission/inet".
 */
static bool is_disabled(const struct doctor_instance *instance, const char *key)
{
	const char *at = doctor_postfix_value(instance->values, "master_service_disable");
	const char *type = strrchr(key, '/');
	size_t len = 0;

	while ((at = doctor_postfix_word(at + len, &len)) != NULL) {
		const bool is_negated = *at == '!';
		const char *word = at + is_negated;
		const size_t word_len = len - is_negated;

		if ((strlen(key) == word_len && strncasecmp(key, word, word_len) == 0) ||
			(type != NULL && strlen(type + 1) == word_len &&
				strncasecmp(type + 1, word, word_len) == 0))
			return !is_negated;
	}
	return false;
}

/* Return the number of processes that a service may have; 0: any number. */
static unsigned find_limit(const struct doctor_instance *instance, const json_t *service)
{
	const char *limit = doctor_postfix_value(service, "process_limit");

	if (strcmp(limit, "-") == 0)
		limit = doctor_postfix_value(instance->values, "default_process_limit");
	return (unsigned)strtoul(limit, NULL, 10);
}

/* Fill in a service from its object, to which its values are added. Returns 0, or -1 with err set.
 */
static int make_service(const struct doctor_instance *instance, const char *key, json_t *object,
	struct doctor_service *service_r, struct errmsg *err)
{
	const char *chroot = doctor_postfix_value(object, "chroot");
	const bool is_old =
		strtod(doctor_postfix_value(instance->values, "compatibility_level"), NULL) < 1;
	bool missing;
	json_t *overrides = json_object_get(object, "overrides");
	json_t *values = ask_values(instance->folder, overrides, &missing, err);

	if (values == NULL || json_object_set_new(object, "values", values) != 0)
		return -1;
	*service_r = (struct doctor_service){
		.key = key,
		.name = doctor_postfix_value(object, "service"),
		.type = doctor_postfix_value(object, "type"),
		.is_chrooted = strcmp(chroot, "y") == 0 || (strcmp(chroot, "-") == 0 && is_old),
		.is_privileged = strcmp(doctor_postfix_value(object, "unprivileged"), "n") == 0,
		.reach = find_reach(instance, doctor_postfix_value(object, "service"),
			doctor_postfix_value(object, "type")),
		.process_limit = find_limit(instance, object),
		.overrides = overrides,
		.values = values,
	};
	return 0;
}

static int read_services(struct doctor_instance *instance, struct errmsg *err)
{
	const char *key;
	json_t *object;

	if ((instance->listing = json_object()) == NULL ||
		list_services(instance->folder, instance->listing, err) != 0)
		return -1;
	instance->services =
		calloc(json_object_size(instance->listing) + 1, sizeof(*instance->services));
	if (instance->services == NULL)
		return errmsg_set(err, "out of memory");
	json_object_foreach (instance->listing, key, object) {
		if (!is_smtpd(object) || is_disabled(instance, key))
			continue;
		if (make_service(instance, key, object,
			    &instance->services[instance->service_count], err) != 0)
			return -1;
		instance->service_count++;
	}
	return 0;
}

/* Add the instance with that folder; NULL: the default one. */
static enum doctor_postfix_result add_instance(struct doctor_postfix *postfix, const char *folder,
	struct errmsg *err)
{
	struct doctor_instance *grown =
		reallocarray(postfix->instances, postfix->instance_count + 1, sizeof(*grown));
	struct doctor_instance *instance;
	bool missing;

	if (grown == NULL) {
		(void)errmsg_set(err, "out of memory");
		return DOCTOR_POSTFIX_FAILED;
	}
	postfix->instances = grown;
	instance = &grown[postfix->instance_count++];
	*instance = (struct doctor_instance){ .is_default = folder == NULL };
	instance->values = ask_values(folder, NULL, &missing, err);
	if (instance->values == NULL) {
		postfix->instance_count--;
		return missing || (folder == NULL && access("/etc/postfix/main.cf", F_OK) != 0) ?
			DOCTOR_POSTFIX_MISSING :
			DOCTOR_POSTFIX_FAILED;
	}
	instance->folder =
		strdup(folder != NULL ? folder :
					doctor_postfix_value(instance->values, "config_directory"));
	instance->is_enabled = postfix->instance_count == 1 ||
		doctor_postfix_yes(instance->values, "multi_instance_enable");
	if (instance->folder == NULL) {
		(void)errmsg_set(err, "out of memory");
		return DOCTOR_POSTFIX_FAILED;
	}
	return read_services(instance, err) == 0 ? DOCTOR_POSTFIX_READ : DOCTOR_POSTFIX_FAILED;
}

enum doctor_postfix_result doctor_postfix_read(const char *folder,
	struct doctor_postfix **postfix_r, struct errmsg *err)
{
	struct doctor_postfix *postfix = calloc(1, sizeof(*postfix));
	enum doctor_postfix_result result;
	char *others, *rest, *other;

	*postfix_r = postfix;
	if (postfix == NULL) {
		(void)errmsg_set(err, "out of memory");
		return DOCTOR_POSTFIX_FAILED;
	}
	result = add_instance(postfix, folder, err);
	if (result != DOCTOR_POSTFIX_READ)
		return result;
	rest = others = strdup(
		doctor_postfix_value(postfix->instances[0].values, "multi_instance_directories"));
	while (result == DOCTOR_POSTFIX_READ && rest != NULL &&
		(other = strsep(&rest, SEPARATORS)) != NULL) {
		if (*other != '\0')
			result = add_instance(postfix, other, err);
	}
	free(others);
	return result;
}

void doctor_postfix_free(struct doctor_postfix **postfix)
{
	if (*postfix == NULL)
		return;
	for (size_t i = 0; i < (*postfix)->instance_count; i++) {
		struct doctor_instance *instance = &(*postfix)->instances[i];

		free(instance->folder);
		free(instance->services);
		json_decref(instance->values);
		json_decref(instance->listing);
	}
	free((*postfix)->instances);
	free(*postfix);
	*postfix = NULL;
}
