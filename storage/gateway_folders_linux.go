package storage

import "golang.org/x/sys/unix"

// identify looks at a folder; false where the file system does not say when it was made.
func identify(path string) (folderIdentity, bool) {
	const wanted = unix.STATX_INO | unix.STATX_BTIME
	var stat unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW, wanted, &stat); err != nil || stat.Mask&wanted != wanted {
		return folderIdentity{}, false
	}
	return folderIdentity{inode: stat.Ino, born: [2]int64{stat.Btime.Sec, int64(stat.Btime.Nsec)}}, true
}
