"""project_files.py: which files are the project's own, with git or without (a tarball, a bare machine)."""
import shutil
import subprocess

# What a clone makes for itself; with git, .gitignore says the same.
MADE = ("build", "data", "node_modules", "web/node_modules", "web/dist", ".git")


def project_files(top):
    """All files a commit would hold, as paths relative to `top`, sorted."""
    if (top / ".git").exists() and shutil.which("git"):
        listed = subprocess.run(["git", "-C", top, "ls-files", "-z", "--cached", "--others",
                                 "--exclude-standard"], capture_output=True, text=True, check=True)
        names = [name for name in listed.stdout.split("\0") if name]
    else:
        names = [str(path.relative_to(top)) for path in top.rglob("*")]
        names = [name for name in names if not made(name) and "__pycache__" not in name]
    return sorted(name for name in names if (top / name).is_file())


def made(name):
    return any(name == folder or name.startswith((folder + "/", "build")) for folder in MADE)
