#ifndef POSTERN_CMD_H
#define POSTERN_CMD_H

#include "ctl/command.h"

/* The commands, each in a file cmd_*.c of its subject; struct command describes the parameters. */
int cmd_explain(const struct ctl *ctl, int argc, char **argv);
extern const char cmd_explain_usage[]; /* the help of explain, with its options */
int cmd_config(const struct ctl *ctl, int argc, char **argv);
extern const char cmd_config_usage[];
int cmd_import_haraka(const struct ctl *ctl, int argc, char **argv);
extern const char cmd_import_haraka_usage[];
int cmd_user(const struct ctl *ctl, int argc, char **argv);
extern const char cmd_user_usage[];
int cmd_profile(const struct ctl *ctl, int argc, char **argv);
extern const char cmd_profile_usage[];
int cmd_init(const struct ctl *ctl, int argc, char **argv);
extern const char cmd_init_usage[];
int cmd_doctor(const struct ctl *ctl, int argc, char **argv); /* in ctl/doctor */
extern const char cmd_doctor_usage[];
int cmd_status(const struct ctl *ctl, int argc, char **argv);
int cmd_reload(const struct ctl *ctl, int argc, char **argv);
int cmd_tail(const struct ctl *ctl, int argc, char **argv);
int cmd_limits(const struct ctl *ctl, int argc, char **argv);
int cmd_log_level(const struct ctl *ctl, int argc, char **argv);
int cmd_suspend(const struct ctl *ctl, int argc, char **argv); /* suspend and resume */
int cmd_suspended(const struct ctl *ctl, int argc, char **argv);
int cmd_auth(const struct ctl *ctl, int argc, char **argv);
int cmd_hash(const struct ctl *ctl, int argc, char **argv);

#endif
