"""A file system that does not answer while a flag exists, as one on the network whose server is gone."""

import subprocess

SOURCE = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
int stat(const char *path, struct stat *st)
{
	int (*real)(const char *, struct stat *) = (int (*)(const char *, struct stat *))dlsym(RTLD_NEXT, "stat");

	while (strncmp(path, HANGS, strlen(HANGS)) == 0 && access(FLAG, F_OK) == 0)
		usleep(20000);
	return real(path, st);
}
"""


def let_hang(box, daemon, path):
    """Have the daemon's looks at what begins with path wait while the returned flag exists. It must not run yet."""
    flag, library = box.folder / "hangs", box.folder / "hanging.so"
    subprocess.run(["cc", "-shared", "-fPIC", f'-DFLAG="{flag}"', f'-DHANGS="{path}"', "-x", "c", "-",
                    "-o", library, "-ldl"], input=SOURCE, text=True, check=True)
    daemon.process.env = {**(daemon.process.env or {}), "LD_PRELOAD": str(library)}
    return flag
