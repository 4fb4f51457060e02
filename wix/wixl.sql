-- What wixl leaves out of the package, or gets wrong: written into it by scripts/windows/msi.sh. One statement a
-- line; "--" starts a comment; {NAME} is filled in; lines that start with user: or machine: are for that package
-- only. The numbers are those of wix/tool.wxi.

-- 1 ShortcutProperty
CREATE TABLE `MsiShortcutProperty` (`MsiShortcutProperty` CHAR(72) NOT NULL, `Shortcut_` CHAR(72) NOT NULL, `PropertyKey` CHAR(255) NOT NULL, `PropVariantValue` CHAR(255) NOT NULL PRIMARY KEY `MsiShortcutProperty`)
INSERT INTO `MsiShortcutProperty` (`MsiShortcutProperty`, `Shortcut_`, `PropertyKey`, `PropVariantValue`) VALUES ('StartMenuId', 'StartMenu', 'System.AppUserModel.ID', '{AppUserModelId}')

-- 2 RemoveFile, RemoveFolder. What is inside of a folder comes before it.
user: INSERT INTO `RemoveFile` (`FileKey`, `Component_`, `FileName`, `DirProperty`, `InstallMode`) VALUES ('RemoveUserPrograms', 'Marker', '', 'UserPrograms', 2)
INSERT INTO `RemoveFile` (`FileKey`, `Component_`, `FileName`, `DirProperty`, `InstallMode`) VALUES ('Settings1', 'Marker', '*', 'CONFIGTOREMOVE', 2)
INSERT INTO `RemoveFile` (`FileKey`, `Component_`, `FileName`, `DirProperty`, `InstallMode`) VALUES ('Settings1Folder', 'Marker', '', 'CONFIGTOREMOVE', 2)
INSERT INTO `RemoveFile` (`FileKey`, `Component_`, `FileName`, `DirProperty`, `InstallMode`) VALUES ('Settings2Folder', 'Marker', '', 'CONFIGABOVE', 2)
INSERT INTO `RemoveFile` (`FileKey`, `Component_`, `FileName`, `DirProperty`, `InstallMode`) VALUES ('Settings3', 'Marker', '*', 'DATALOG', 2)
INSERT INTO `RemoveFile` (`FileKey`, `Component_`, `FileName`, `DirProperty`, `InstallMode`) VALUES ('Settings3Folder', 'Marker', '', 'DATALOG', 2)
INSERT INTO `RemoveFile` (`FileKey`, `Component_`, `FileName`, `DirProperty`, `InstallMode`) VALUES ('Settings4', 'Marker', '*', 'DATAPAGES', 2)
INSERT INTO `RemoveFile` (`FileKey`, `Component_`, `FileName`, `DirProperty`, `InstallMode`) VALUES ('Settings4Folder', 'Marker', '', 'DATAPAGES', 2)
INSERT INTO `RemoveFile` (`FileKey`, `Component_`, `FileName`, `DirProperty`, `InstallMode`) VALUES ('Settings5', 'Marker', '*', 'DATAICONS', 2)
INSERT INTO `RemoveFile` (`FileKey`, `Component_`, `FileName`, `DirProperty`, `InstallMode`) VALUES ('Settings5Folder', 'Marker', '', 'DATAICONS', 2)
INSERT INTO `RemoveFile` (`FileKey`, `Component_`, `FileName`, `DirProperty`, `InstallMode`) VALUES ('Settings6', 'Marker', '*', 'DATARECOVERY', 2)
INSERT INTO `RemoveFile` (`FileKey`, `Component_`, `FileName`, `DirProperty`, `InstallMode`) VALUES ('Settings6Folder', 'Marker', '', 'DATARECOVERY', 2)
INSERT INTO `RemoveFile` (`FileKey`, `Component_`, `FileName`, `DirProperty`, `InstallMode`) VALUES ('Settings7', 'Marker', '*', 'DATATOREMOVE', 2)
INSERT INTO `RemoveFile` (`FileKey`, `Component_`, `FileName`, `DirProperty`, `InstallMode`) VALUES ('Settings7Folder', 'Marker', '', 'DATATOREMOVE', 2)
INSERT INTO `RemoveFile` (`FileKey`, `Component_`, `FileName`, `DirProperty`, `InstallMode`) VALUES ('Settings8Folder', 'Marker', '', 'DATAABOVE', 2)
-- The most important ones by name as well: Wine takes the asterisk for a name, and could not show that they go.
INSERT INTO `RemoveFile` (`FileKey`, `Component_`, `FileName`, `DirProperty`, `InstallMode`) VALUES ('Settings1Named', 'Marker', 'settings.toml', 'CONFIGTOREMOVE', 2)
INSERT INTO `RemoveFile` (`FileKey`, `Component_`, `FileName`, `DirProperty`, `InstallMode`) VALUES ('Settings3Named', 'Marker', 'visualcron-tray.log', 'DATALOG', 2)
INSERT INTO `RemoveFile` (`FileKey`, `Component_`, `FileName`, `DirProperty`, `InstallMode`) VALUES ('Settings6Named', 'Marker', 'lock', 'DATARECOVERY', 2)
INSERT INTO `RemoveFile` (`FileKey`, `Component_`, `FileName`, `DirProperty`, `InstallMode`) VALUES ('Settings7State', 'Marker', 'state.json', 'DATATOREMOVE', 2)

-- 3 RemoveRegistryKey: what the program itself writes beside the installer's. The name "-" stands for the whole key when the component is removed. Not in the package for
-- all users, whose components must not mix both kinds of data.
user: INSERT INTO `Registry` (`Registry`, `Root`, `Key`, `Name`, `Component_`) VALUES ('AppUserModelId', 1, 'Software\Classes\AppUserModelId\{AppUserModelId}', '-', 'Marker')
user: INSERT INTO `Registry` (`Registry`, `Root`, `Key`, `Name`, `Component_`) VALUES ('Addresses', 1, 'Software\Classes\visualcron-tray', '-', 'Marker')
machine: INSERT INTO `Registry` (`Registry`, `Root`, `Key`, `Name`, `Component_`) VALUES ('Addresses', 2, 'Software\Classes\visualcron-tray', '-', 'Marker')

-- 4 Condition
machine: UPDATE `Component` SET `Condition` = 'AUTOSTART = "1" OR (AUTOSTARTFOUND AND AUTOSTART <> "0") OR REMOVE = "ALL"' WHERE `Component` = 'Autostart'

-- 5 Secure, Schedule, InstallUISequence
user: UPDATE `Property` SET `Value` = 'AUTOSTART;FOLDERFOUND;INSTALLDIR;LAUNCH;MACHINEFOUND;REMOVESETTINGS;TRAYFOUND;WINDOWSMAJOR;WIX_DOWNGRADE_DETECTED;WIX_UPGRADE_DETECTED' WHERE `Property` = 'SecureCustomProperties'
machine: UPDATE `Property` SET `Value` = 'AUTOSTART;AUTOSTARTFOUND;FOLDERFOUND;INSTALLDIR;LAUNCH;REMOVESETTINGS;TRAYFOUND;WINDOWSMAJOR;WIX_DOWNGRADE_DETECTED;WIX_UPGRADE_DETECTED' WHERE `Property` = 'SecureCustomProperties'
UPDATE `InstallExecuteSequence` SET `Sequence` = 1510 WHERE `Action` = 'RemoveExistingProducts'
-- One by one: libmsi passes over rows where it deletes several.
DELETE FROM `InstallUISequence` WHERE `Action` = 'FindRelatedProducts'
DELETE FROM `InstallUISequence` WHERE `Action` = 'AppSearch'
DELETE FROM `InstallUISequence` WHERE `Action` = 'LaunchConditions'
DELETE FROM `InstallUISequence` WHERE `Action` = 'ValidateProductID'
DELETE FROM `InstallUISequence` WHERE `Action` = 'CostInitialize'
DELETE FROM `InstallUISequence` WHERE `Action` = 'FileCost'
DELETE FROM `InstallUISequence` WHERE `Action` = 'CostFinalize'
DELETE FROM `InstallUISequence` WHERE `Action` = 'MigrateFeatureStates'

-- 6 File versions: without one Windows Installer would never replace a file that has one.
UPDATE `File` SET `Version` = '{FileVersion}', `Language` = '{FileLanguage}' WHERE `File` = 'TrayExe'
UPDATE `File` SET `Version` = '{FileVersion}', `Language` = '{FileLanguage}' WHERE `File` = 'ConsoleCom'
DELETE FROM `MsiFileHash` WHERE `File_` = 'TrayExe'
DELETE FROM `MsiFileHash` WHERE `File_` = 'ConsoleCom'

-- 7 Short names, which the tables want before the long ones
UPDATE `File` SET `FileName` = 'VCTRAY.EXE|visualcron-tray.exe' WHERE `File` = 'TrayExe'
UPDATE `File` SET `FileName` = 'VCTRAY.COM|visualcron-tray.com' WHERE `File` = 'ConsoleCom'
UPDATE `File` SET `FileName` = 'LICMIT.TXT|LICENSE-MIT.txt' WHERE `File` = 'LicenseMit'
UPDATE `File` SET `FileName` = 'LICAPA.TXT|LICENSE-APACHE.txt' WHERE `File` = 'LicenseApache'
UPDATE `Directory` SET `DefaultDir` = 'VCTRAY|visualcron-tray' WHERE `Directory` = 'INSTALLDIR'
UPDATE `Shortcut` SET `Name` = 'VCTRAY|visualcron-tray' WHERE `Shortcut` = 'StartMenu'

-- 8 PermissionEx, with the folder's own row and the actions that make and remove it
machine: CREATE TABLE `MsiLockPermissionsEx` (`MsiLockPermissionsEx` CHAR(72) NOT NULL, `LockObject` CHAR(72) NOT NULL, `Table` CHAR(32) NOT NULL, `SDDLText` CHAR(0) NOT NULL, `Condition` CHAR(255) PRIMARY KEY `MsiLockPermissionsEx`)
machine: INSERT INTO `MsiLockPermissionsEx` (`MsiLockPermissionsEx`, `LockObject`, `Table`, `SDDLText`) VALUES ('ProtectFolder', 'INSTALLDIR', 'CreateFolder', 'D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)')
machine: INSERT INTO `CreateFolder` (`Directory_`, `Component_`) VALUES ('INSTALLDIR', 'Marker')
machine: INSERT INTO `InstallExecuteSequence` (`Action`, `Sequence`) VALUES ('RemoveFolders', 3600)
machine: INSERT INTO `InstallExecuteSequence` (`Action`, `Sequence`) VALUES ('CreateFolders', 3700)

-- 9 Sequence numbers. Besides, wixl passes over what a feature may be.
UPDATE `InstallExecuteSequence` SET `Sequence` = 101 WHERE `Action` = 'RememberFolder'
UPDATE `InstallExecuteSequence` SET `Sequence` = 102 WHERE `Action` = 'CloseTray'
UPDATE `InstallExecuteSequence` SET `Sequence` = 1001 WHERE `Action` = 'TellFolder'
UPDATE `InstallExecuteSequence` SET `Sequence` = 1401 WHERE `Action` = 'NameConfig'
UPDATE `InstallExecuteSequence` SET `Sequence` = 1402 WHERE `Action` = 'NameConfigAbove'
UPDATE `InstallExecuteSequence` SET `Sequence` = 1403 WHERE `Action` = 'NameData'
UPDATE `InstallExecuteSequence` SET `Sequence` = 1404 WHERE `Action` = 'NameDataLog'
UPDATE `InstallExecuteSequence` SET `Sequence` = 1405 WHERE `Action` = 'NameDataPages'
UPDATE `InstallExecuteSequence` SET `Sequence` = 1406 WHERE `Action` = 'NameDataIcons'
UPDATE `InstallExecuteSequence` SET `Sequence` = 1407 WHERE `Action` = 'NameDataRecovery'
UPDATE `InstallExecuteSequence` SET `Sequence` = 1408 WHERE `Action` = 'NameDataAbove'
UPDATE `InstallExecuteSequence` SET `Sequence` = 2580 WHERE `Action` = 'ForgetPassword'
UPDATE `InstallExecuteSequence` SET `Sequence` = 2590 WHERE `Action` = 'AutostartOff'
machine: UPDATE `InstallExecuteSequence` SET `Sequence` = 2591 WHERE `Action` = 'Unregister'
user: UPDATE `InstallExecuteSequence` SET `Sequence` = 6601 WHERE `Action` = 'AutostartNo'
user: UPDATE `InstallExecuteSequence` SET `Sequence` = 6602 WHERE `Action` = 'AutostartYes'
user: UPDATE `InstallExecuteSequence` SET `Sequence` = 6603 WHERE `Action` = 'AutostartKeep'
UPDATE `InstallExecuteSequence` SET `Sequence` = 6604 WHERE `Action` = 'StartTray'
UPDATE `Feature` SET `Attributes` = 24 WHERE `Feature` = 'Main'
