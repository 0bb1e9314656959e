// SPDX-License-Identifier: GPL-2.0
/*
 * The init of scenarios that go on in user space, from an initramfs:
 *
 *	rebind N	unbinds each master of the tests, and each NVMe and
 *			virtio disk, from its driver and binds it again, N times
 *	replug N	removes each PCI device that isn't a bridge and rescans
 *			the bus, N times; meanwhile, if it isn't what is removed,
 *			and then the disk reads as before
 *	unbind DRIVER	unbinds all devices of a platform driver
 *	selftest	runs /selftest, its output behind "selftest: "
 *	nothing		only shows that the machine gets here
 *
 * The words come from the kernel's command line, behind "--".  Each line begins
 * with a name and a colon: no line looks like a test result of the kernel's.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static const char * const drivers[] = {
	"/sys/bus/platform/drivers/iommu-defer-boot",
	"/sys/bus/pci/drivers/nvme",
	"/sys/bus/pci/drivers/virtio-pci",
};

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static int write_file(const char *dir, const char *file, const char *text)
{
	char path[512];
	int fd, ok;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return 0;

	ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return ok;
}

/* A figure of /proc/meminfo, in kB; -1 if it isn't there */
static long meminfo(const char *name)
{
	FILE *file = fopen("/proc/meminfo", "r");
	char line[128];
	long kb = -1;

	if (!file)
		return -1;

	while (kb < 0 && fgets(line, sizeof(line), file))
		if (!strncmp(line, name, strlen(name)))
			kb = strtol(line + strlen(name) + 1, NULL, 10);
	fclose(file);
	return kb;
}

/* Objects that nobody points to any more, if the kernel looks for them */
static void look_for_leaks(void)
{
	const char *dir = "/sys/kernel/debug", *name = "kmemleak";
	char path[64], line[256];
	int leaks = 0;
	FILE *file;

	/* What has just been freed or moved needs a second scan */
	if (!write_file(dir, name, "scan") || sleep(6) ||
	    !write_file(dir, name, "scan")) {
		printf("rebind: kmemleak is not there\n");
		return;
	}

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file)) {
		leaks += !strncmp(line, "unreferenced", 12);
		printf("kmemleak: %s", line);
	}
	printf("rebind: kmemleak found %d objects\n", leaks);
}

struct slab {
	char name[32];
	long objects;
};

/* Live objects of each cache, where /proc/slabinfo tells; returns how many */
static int count_slabs(struct slab *slab, int max)
{
	FILE *file = fopen("/proc/slabinfo", "r");
	char line[512];
	int n = 0;

	while (file && n < max && fgets(line, sizeof(line), file))
		n += sscanf(line, "%31s %ld", slab[n].name,
			    &slab[n].objects) == 2;
	if (file)
		fclose(file);
	return n;
}

/* Who has allocated many objects of a cache: a line each, count first */
static void show_slab_users(const char *name, int times)
{
	char path[96], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/kernel/slab/%s/alloc_calls", name);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		if (atol(line) > times / 2)
			printf("rebind: %s:%s", name, line);
	if (file)
		fclose(file);
}

/* How many caches have grown by more than half an object each time */
static int slab_growth(const struct slab *before, int n, int times, int show)
{
	static struct slab after[256];
	int i, j, grown = 0, m = count_slabs(after, 256);

	for (i = 0; i < n; i++)
		for (j = 0; j < m; j++) {
			if (strcmp(before[i].name, after[j].name) ||
			    after[j].objects <= before[i].objects + times / 2)
				continue;

			grown++;
			if (!show)
				continue;

			printf("rebind: %s %+ld objects\n", after[j].name,
			       after[j].objects - before[i].objects);
			show_slab_users(after[j].name, times);
		}
	return grown;
}

static int rebind_device(const char *driver, const char *device, int times)
{
	char path[512];
	struct stat st;
	int i;

	snprintf(path, sizeof(path), "%s/%s", driver, device);
	for (i = 0; i < times; i++) {
		if (!write_file(driver, "unbind", device) || !lstat(path, &st))
			break;
		if (!write_file(driver, "bind", device) || lstat(path, &st))
			break;
	}
	if (i < times)
		printf("rebind: %s fails the %dth time: %s\n", device, i + 1,
		       strerror(errno));
	return i == times;
}

struct devices {
	int count;
	char name[64][64];
};

/* The devices that a directory of sysfs has links to */
static struct devices list_devices(const char *path)
{
	struct devices list = { 0 };
	struct dirent *entry;
	DIR *dir = opendir(path);

	while (dir && list.count < 64 && (entry = readdir(dir)))
		if (entry->d_type == DT_LNK && strcmp(entry->d_name, "module"))
			snprintf(list.name[list.count++], sizeof(list.name[0]),
				 "%.63s", entry->d_name);
	if (dir)
		closedir(dir);
	return list;
}

/* Every device that is bound to a driver now; returns how many failed */
static int rebind_driver(const char *driver, int times, int *devices)
{
	struct devices list = list_devices(driver);
	int i, failed = 0;

	for (i = 0; i < list.count; i++)
		failed += !rebind_device(driver, list.name[i], times);
	*devices += list.count;
	return failed;
}

static void rebind(int times)
{
	int round, slabs = 0, devices = 0, failed = 0;
	static struct slab before[256];
	long slab = 0;
	unsigned int i;

	/* The first tenth fills the caches */
	for (round = 0; round < 10 && !failed; round++) {
		devices = 0;
		for (i = 0; i < ARRAY_SIZE(drivers); i++)
			failed += rebind_driver(drivers[i], times / 10,
						&devices);
		if (round)
			continue;

		slab = meminfo("Slab");
		slabs = count_slabs(before, 256);
	}

	printf("rebind: %d devices, %d times each, %d failed, slab %+ld kB\n",
	       devices, times, failed, meminfo("Slab") - slab);
	/* What waits for a grace period or for a worker is freed some time */
	for (i = 0; i < 50 && slab_growth(before, slabs, times, 0); i++)
		usleep(200000);
	slab_growth(before, slabs, times, 1);
	look_for_leaks();
}

/* A sum of all that /dev/vda or /dev/nvme0n1 holds; -1 without such a disk */
static long sum_of_disk(void)
{
	static const char * const disks[] = { "vda", "nvme0n1" };
	static unsigned char buf[1 << 16];
	unsigned int i, major, minor;
	char path[64];
	long sum = 0;
	FILE *file;
	ssize_t n;
	int fd;

	for (i = 0, file = NULL; i < ARRAY_SIZE(disks) && !file; i++) {
		snprintf(path, sizeof(path), "/sys/block/%s/dev", disks[i]);
		file = fopen(path, "r");
	}
	if (!file)
		return -1;

	if (fscanf(file, "%u:%u", &major, &minor) != 2)
		major = minor = 0;
	fclose(file);
	unlink("/disk");
	if (mknod("/disk", S_IFBLK | 0600, makedev(major, minor)))
		return -1;

	fd = open("/disk", O_RDONLY);
	while (fd >= 0 && (n = read(fd, buf, sizeof(buf))) > 0)
		while (n--)
			sum = sum * 31 % 1000003 + buf[n];
	close(fd);
	return sum;
}

#define PCI_DEVICES "/sys/bus/pci/devices"

static int is_bridge(const char *device)
{
	char path[128], class[16] = "";
	FILE *file;

	snprintf(path, sizeof(path), PCI_DEVICES "/%.63s/class", device);
	file = fopen(path, "r");
	if (!file || !fgets(class, sizeof(class), file))
		class[0] = '\0';
	if (file)
		fclose(file);
	return !strncmp(class, "0x06", 4);
}

static int has_link(const char *dir, const char *file)
{
	char path[192];
	struct stat st;

	snprintf(path, sizeof(path), "%.127s/%.31s", dir, file);
	return !lstat(path, &st);
}

/* It comes back with a driver, and in a group if it was in one */
static int replug_device(const char *device, int times, long sum)
{
	int i, had_group;
	char dir[128];
	long left;

	snprintf(dir, sizeof(dir), PCI_DEVICES "/%.63s", device);
	had_group = has_link(dir, "iommu_group");
	for (i = 0; i < times; i++) {
		if (!write_file(dir, "remove", "1") || has_link(dir, ""))
			return 0;

		left = i ? -1 : sum_of_disk();
		if (left >= 0 && left != sum)
			return 0;

		if (!write_file("/sys/bus/pci", "rescan", "1"))
			return 0;
	}

	return has_link(dir, "driver") &&
	       has_link(dir, "iommu_group") == had_group;
}

static void replug(int times)
{
	struct devices list = list_devices(PCI_DEVICES);
	int i, devices = 0, failed = 0;
	long sum = sum_of_disk();

	for (i = 0; i < list.count; i++) {
		if (is_bridge(list.name[i]))
			continue;

		devices++;
		if (!replug_device(list.name[i], times, sum)) {
			printf("replug: %s fails\n", list.name[i]);
			failed++;
		}
	}
	printf("replug: %d devices, %d times each, %d failed, disk %s\n",
	       devices, times, failed, sum_of_disk() == sum ?
	       sum < 0 ? "not there" : "as before" : "differs");
}

static void unbind(const char *driver)
{
	struct devices list;
	int i, unbound = 0;
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/platform/drivers/%s", driver);
	list = list_devices(path);
	for (i = 0; i < list.count; i++)
		unbound += write_file(path, "unbind", list.name[i]);
	printf("unbind: %s: %d of %d devices\n", driver, unbound, list.count);
}

static void run_selftest(void)
{
	int to[2], status = 0;
	char line[512];
	FILE *file;
	pid_t pid;

	if (pipe(to))
		return;

	pid = fork();
	if (!pid) {
		dup2(to[1], 1);
		close(to[0]);
		close(to[1]);
		execl("/selftest", "iommu_defer", NULL);
		_exit(127);
	}

	close(to[1]);
	file = fdopen(to[0], "r");
	while (file && fgets(line, sizeof(line), file))
		printf("selftest: %s", line);
	waitpid(pid, &status, 0);
	printf("selftest: exit code %d\n", WEXITSTATUS(status));
}

int main(int argc, char **argv)
{
	int i;

	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "rebind") && i + 1 < argc)
			rebind(atoi(argv[++i]));
		else if (!strcmp(argv[i], "replug") && i + 1 < argc)
			replug(atoi(argv[++i]));
		else if (!strcmp(argv[i], "unbind") && i + 1 < argc)
			unbind(argv[++i]);
		else if (!strcmp(argv[i], "selftest"))
			run_selftest();
	}

	printf("user: done\n");
	reboot(RB_POWER_OFF);
	return 0;
}
