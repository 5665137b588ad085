"""What `get_ipython()` is on a worker: shell lines, and the few magics that make sense there.

IPython turns `!cmd`, `%magic` and `obj?` of a cell into calls of `get_ipython()`; the worker has no IPython, so
these calls arrive here.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flash_jupyter.capsule.kinds import find_shell

#: magics that set up a notebook's frontend and mean nothing on a worker
SILENT = frozenset({"matplotlib", "load_ext", "reload_ext", "autoreload", "config", "pylab", "precision"})


class Shell:
    """The part of IPython's shell that a cell can ask for."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self.user_ns = namespace

    def __reduce__(self) -> tuple[Any, ...]:
        return find_shell, ()

    def system(self, command: str) -> None:
        """`!command`: run it, show its output as it comes; the exit code is `_exit_code`."""
        self._run(self.var_expand(command))

    def _run(self, command: str) -> None:
        process = subprocess.Popen(
            command,
            shell=True,
            executable=os.environ.get("SHELL") or None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        assert process.stdout is not None
        with process:
            for line in process.stdout:
                sys.stdout.write(line)
        self.user_ns["_exit_code"] = process.returncode

    def getoutput(self, command: str, split: bool = True, **_ignored: Any) -> list[str] | str:
        """`x = !command`: its output, as lines."""
        done = subprocess.run(
            self.var_expand(command), shell=True, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        self.user_ns["_exit_code"] = done.returncode
        text = done.stdout + done.stderr
        return text.splitlines() if split else text

    system_raw = system_piped = system

    def run_line_magic(self, name: str, line: str, *_ignored: Any, **__ignored: Any) -> Any:
        """`%name line`."""
        magic: Callable[[str], Any] | None = getattr(self, f"magic_{name}", None)
        if magic is not None:
            return magic(line)
        if name not in SILENT:
            raise NameError(f"%{name} does not exist on a worker; run it in a cell without %%remote")
        return None

    def run_cell_magic(self, name: str, line: str, cell: str) -> Any:
        """`%%name` inside of a remote cell: only those that run a shell."""
        if name in {"bash", "sh", "script"}:
            interpreter = line.strip() if name == "script" else name
            # its text is the shell's own: `$i` and `{}` mean something else there
            return self._run(f"{interpreter} <<'FLASH_JUPYTER_END'\n{cell}\nFLASH_JUPYTER_END")
        raise NameError(f"%%{name} does not work inside of %%remote")

    def magic_pip(self, line: str) -> None:
        """`%pip ...`, in the worker's interpreter."""
        self.system(f'"{sys.executable}" -m pip {line}')

    def magic_cd(self, line: str) -> str:
        """`%cd folder`."""
        os.chdir(Path(self.var_expand(line.strip()) or "~").expanduser())
        return str(Path.cwd())

    def magic_pwd(self, _line: str) -> str:
        """`%pwd`."""
        return str(Path.cwd())

    def magic_env(self, line: str) -> Any:
        """`%env`, `%env NAME` and `%env NAME=value`."""
        name, equals, value = self.var_expand(line).partition("=")
        if equals:
            os.environ[name.strip()] = value.strip()
            return None
        return os.environ.get(name.strip()) if name.strip() else dict(os.environ)

    def magic_time(self, line: str) -> Any:
        """`%time statement`: its wall time."""
        started = time.perf_counter()
        try:
            code: Any = compile(line, "<%time>", "eval", dont_inherit=True)
        except SyntaxError:
            code = compile(line, "<%time>", "exec", dont_inherit=True)
        value = eval(code, self.user_ns)
        sys.stdout.write(f"Wall time: {time.perf_counter() - started:.3g} s\n")
        return value

    def magic_pinfo(self, line: str) -> None:
        """`obj?`: its signature and documentation."""
        obj = eval(line.strip(), self.user_ns)
        sys.stdout.write(f"{type(obj).__name__}: {line.strip()}\n{getattr(obj, '__doc__', None) or '<no docstring>'}\n")

    magic_pinfo2 = magic_pinfo

    def var_expand(self, text: str) -> str:
        """Put the values of `{expression}` and `$name` into a command, as IPython does; what is neither stays."""
        text = re.sub(r"\{([^{}]+)\}", self._expression, text)
        return re.sub(r"(?<!\$)\$(\w+)", self._name, text).replace("$$", "$")

    def _expression(self, match: re.Match[str]) -> str:
        try:
            return str(eval(match[1], self.user_ns))
        except Exception:  # not an expression of Python: shell syntax
            return match[0]

    def _name(self, match: re.Match[str]) -> str:
        return str(self.user_ns[match[1]]) if match[1] in self.user_ns else match[0]
