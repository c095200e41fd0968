@echo off
rem The command as terminals of VS Code have it: run by VS Code's own Node.
setlocal
set ELECTRON_RUN_AS_NODE=1
if not defined EPICS_EXPOSE_NODE set EPICS_EXPOSE_NODE=node
"%EPICS_EXPOSE_NODE%" "%~dp0..\cli.js" %*
