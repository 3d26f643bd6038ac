package main

import (
	"context"
	"path/filepath"
	"time"

	"greenroom/assess"
	"greenroom/web"
)

// openModels prepares whoever writes speech down, rates, and says questions aloud.
func (a *app) openModels(context.Context) error {
	provider, err := a.provider(time.Now())
	if err != nil {
		return err
	}
	a.judge.Provider = provider
	if err := a.openSpeech(); err != nil {
		return err
	}
	if err := a.openRaters(); err != nil {
		return err
	}
	if err := a.openVoice(); err != nil {
		return err
	}
	if provider.Origin != "" {
		a.banner.outside = append(a.banner.outside, "the AI provider in "+provider.Region+", to be reviewed again before "+provider.Until().Format(time.DateOnly))
	}
	return nil
}

// openRaters prepares the models that rate, and what the notice says of them.
func (a *app) openRaters() error {
	a.judge.AssessorPlace = web.ThisServer
	if a.AI.ChatModel == "" {
		a.banner.inside = append(a.banner.inside, "answers are measured, not rated")
		return nil
	}
	model, err := assess.NewOpenAIModel(a.openAI(a.judge.Provider))
	if err != nil {
		return err
	}
	a.model = model
	a.judge.AssessorModel, a.judge.AssessorPlace = model.Name(), model.Place() // the name that ratings keep
	by := a.AI.ChatModel
	if a.AI.SecondModel != "" {
		config := a.openAI(a.judge.Provider)
		config.ChatModel = a.AI.SecondModel
		second, err := assess.NewOpenAIModel(config)
		if err != nil {
			return err
		}
		a.second, a.judge.AssessorSecond = second, second.Name()
		by += " and " + a.AI.SecondModel
	}
	a.banner.outside = append(a.banner.outside, "answers rated by "+by+" at "+model.Place())
	return nil
}

// openVoice prepares the server that says questions aloud, if one is configured. It is sent texts of the bank
// and nothing of an interview, so that the candidate's notice has nothing to say of it.
func (a *app) openVoice() error {
	if a.AI.VoiceModel == "" {
		return nil
	}
	provider, err := a.voiceProvider(time.Now())
	if err != nil {
		return err
	}
	speaker, err := assess.NewOpenAISpeaker(a.voice(provider), a.bank)
	if err != nil {
		return err
	}
	a.spoken = assess.NewSpoken(assess.SpokenConfig{
		Dir: filepath.Join(a.DataDir, "voice"), Speaker: speaker, Texts: a.bank.SpokenTexts(), Log: a.log,
	})
	a.banner.outside = append(a.banner.outside, "questions said aloud by "+a.AI.VoiceModel+" at "+speaker.Place())
	return nil
}
